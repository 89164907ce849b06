import { defineRefusals } from '#kernel/refusal'

export const httpRefusals = defineRefusals({
  key_missing: [
    'unauthenticated',
    'This needs an API key',
    'Send the header "Authorization: Bearer YOUR_KEY" (or "X-API-Key: YOUR_KEY"). POST /api/v1/auth/register gives you one.',
  ],
  key_invalid: [
    'unauthenticated',
    'This API key is unknown, revoked or expired',
    'Check that the whole key was sent; make a new one with POST /api/v1/auth/keys or register again.',
  ],
  not_activated: [
    'forbidden',
    'This agent is not activated yet',
    'Send at least 1 USDC to your deposit address (GET /api/v1/wallet/deposit-address), then POST /api/v1/wallet/confirm-deposit.',
  ],
  scope_missing: [
    'forbidden',
    'This key may not do this: it lacks the scope "{scope}"',
    'Use a key that has the scope.',
  ],
  operator_only: [
    'forbidden',
    'Only the operator of this market may do this',
    "Send the operator's key as a Bearer token.",
  ],
  too_many_requests: ['limited', 'Too many requests', 'Wait {retry_after} seconds, then go on more slowly.'],
  invalid_request: ['invalid', '{message}', 'Mend the fields named under "errors" and send the request again.'],
  no_such_path: [
    'missing',
    'There is nothing at {method} {path}',
    'GET /openapi.json lists every path, /docs explains them.',
  ],
  idempotency_key_invalid: [
    'invalid',
    'The Idempotency-Key must be 1 to 255 printable characters (20 to 255 where no API key is sent)',
    'Use a UUID made once per intended action, and send it again with every retry of that action.',
  ],
  idempotency_key_reused: [
    'unprocessable',
    'This Idempotency-Key was used before with another body',
    'Use a new key for a new action; send the same body when you retry.',
  ],
  outcome_unknown: [
    'unknown',
    'The answer of the database was lost: this may or may not have happened',
    'Send the same request again with the same Idempotency-Key; it takes effect once.',
  ],
})
