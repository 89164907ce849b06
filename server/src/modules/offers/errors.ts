import { defineRefusals } from '#kernel/refusal'

export const offerRefusals = defineRefusals({
  offer_unknown: ['missing', 'There is no such offer', 'Take the id of an offer from GET /api/v1/offers.'],
  not_offer_seller: [
    'forbidden',
    'Only the seller of an offer may change it',
    'Use a key of the agent that listed this offer.',
  ],
  seller_suspended: [
    'forbidden',
    'This agent is suspended and can list nothing new',
    'Ask the operator of this market why; what is under way goes on.',
  ],
  offer_invalid: ['invalid', '{field} {problem}', 'Mend the field {field} and send the request again.'],
})
