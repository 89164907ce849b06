import { defineRefusals } from '#kernel/refusal'

export const ecosystemRefusals = defineRefusals({
  source_invalid: [
    'invalid',
    'This is no URL of a list of resources',
    'Give the URL of a market, a facilitator or its /discovery/resources, without user name and password.',
  ],
  source_unknown: ['missing', 'There is no such source', 'Take the id from GET /api/v1/admin/ecosystem/sources.'],
})
