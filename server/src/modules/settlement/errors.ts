import { defineRefusals } from '#kernel/refusal'

export const settlementRefusals = defineRefusals({
  chain_silent: [
    'unknown',
    'The chain {network} does not answer right now',
    'Ask again in a few seconds with the very same payment: it is settled at most once.',
  ],
  payment_malformed: [
    'invalid',
    'This is no payment of x402: {fault}',
    'Send {x402Version, paymentPayload, paymentRequirements} as x402 has them, scheme `exact`.',
  ],
})
