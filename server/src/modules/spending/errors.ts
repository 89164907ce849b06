import { defineRefusals } from '#kernel/refusal'

export const spendingRefusals = defineRefusals({
  outgoing_frozen: [
    'conflict',
    'Outgoing money of this agent is frozen until {until}: {reason}',
    'Wait until then, or name an emergency address and call panic again.',
  ],
})
