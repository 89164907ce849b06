import { defineRefusals } from '#kernel/refusal'

export const signInRefusals = defineRefusals({
  sign_in_missing: [
    'unauthenticated',
    'This needs a message signed by your wallet in the header SIGN-IN-WITH-X',
    'GET /api/v1/auth/wallet answers a challenge. Sign it as it is (CAIP-122) and send it, base64, in the header.',
  ],
  sign_in_refused: [
    'unauthenticated',
    'This sign-in is not accepted: {fault}',
    'Take a new challenge, of this market and for this very resource, and sign it within five minutes without changing it.',
  ],
  sign_in_spent: [
    'unauthenticated',
    'This sign-in was used before',
    'Each challenge signs in once. Take a new one and sign that.',
  ],
})
