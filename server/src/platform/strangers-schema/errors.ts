import { defineRefusals } from '#kernel/refusal'

export const schemaRefusals = defineRefusals({
  schema_checks_busy: [
    'limited',
    'Too many values are being checked against slow schemas.',
    'Try again in a few seconds, or simplify the schema: without pattern, $ref and uniqueItems it is checked at once.',
  ],
})
