import { defineRefusals } from '#kernel/refusal'

export const directRefusals = defineRefusals({
  service_inactive: [
    'conflict',
    'This service is no longer offered',
    'Choose another from GET /api/v1/services/discover.',
  ],
  service_changed: ['conflict', 'The service was changed while you were hiring it', 'Send the request again.'],
  price_above_max: [
    'conflict',
    'The service costs {price} by now, which is more than your maxPrice of {maxPrice}',
    'Look at the service again and decide anew. Nothing was charged.',
  ],
  party_suspended: [
    'forbidden',
    'One of the two agents is suspended, so they can strike no new bargain',
    'Jobs under way run to their end; ask the operator about the suspension.',
  ],
  service_at_capacity: [
    'conflict',
    'The service is busy and its queue is full',
    'Try again later, or hire another service.',
  ],
  trust_too_low: [
    'forbidden',
    'This service asks for a trust score of at least {required}; yours counts as {score}',
    'Trade with at least three funded counterparties to prove your score, or choose a service with a lower floor.',
  ],
  input_invalid: [
    'invalid',
    "The input does not satisfy the service's inputSchema: {faults}",
    'Mend the input; GET /api/v1/services/:id shows the schema and an example. Nothing was charged.',
  ],
  output_invalid: [
    'unprocessable',
    'The output does not satisfy the outputSchema this job was agreed on: {faults}',
    'Mend the output and deliver again before the deadline.',
  ],
})
