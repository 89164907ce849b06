import { defineRefusals } from '#kernel/refusal'

export const webhookRefusals = defineRefusals({
  delivery_not_found: [
    'missing',
    'There is no such webhook delivery',
    'GET /api/v1/webhooks/deliveries lists yours (GET /api/v1/admin/webhooks/deliveries all); closed ones are forgotten after 30 days.',
  ],
  endpoint_unknown: [
    'missing',
    'You have no such webhook endpoint',
    'GET /api/v1/webhooks/endpoints lists yours; one comes into being with the first message to its address.',
  ],
  endpoint_disabled: [
    'conflict',
    'Nothing is sent to {url} any more: it answered 410, or took nothing for days',
    'When it works again, POST /api/v1/webhooks/endpoints/{endpointId}/enable, then send this request again.',
  ],
  no_callback_url: [
    'conflict',
    'You have no address that webhooks go to',
    'Set one with PATCH /api/v1/agents/me {"callbackUrl": "https://…"}, or name an endpoint in "endpointId".',
  ],
})
