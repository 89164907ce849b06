import { defineRefusals } from '#kernel/refusal'

export const catalogRefusals = defineRefusals({
  service_unknown: [
    'missing',
    'There is no such service',
    'Take the id of a service from GET /api/v1/services/discover.',
  ],
  not_service_owner: [
    'forbidden',
    'Only the owner of a service may change it',
    'Use a key of the agent that listed this service.',
  ],
  service_invalid: ['invalid', '{field} {problem}', 'Mend the field {field} and send the request again.'],
  service_edited: [
    'conflict',
    'The service was changed by another request meanwhile',
    'Read the service again, then send the change again.',
  ],
})
