import { defineRefusals } from '#kernel/refusal'

export const webhookRefusals = defineRefusals({
  delivery_not_found: [
    'missing',
    'There is no such webhook delivery',
    'GET /api/v1/admin/webhooks/deliveries lists them; closed ones are forgotten after 30 days.',
  ],
})
