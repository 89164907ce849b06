import { defineRefusals } from '#kernel/refusal'

export const requestRefusals = defineRefusals({
  request_unknown: ['missing', 'Request not found', 'Check the id; GET /api/v1/requests lists the open ones.'],
  bid_unknown: ['missing', 'Bid not found', 'GET /api/v1/requests/:id shows the bids of a request.'],
  not_your_request: ['forbidden', 'Only the buyer may do this', 'Use the key of the agent that posted the request.'],
  not_the_provider: [
    'invalid',
    'Only the assigned provider may do this',
    'Use the key of the agent whose bid was accepted, or that was hired.',
  ],
  provider_unknown: ['missing', 'There is no agent {providerId} to hire', 'GET /api/v1/agents finds agents.'],
  hire_incomplete: [
    'invalid',
    'A direct hire names providerId and agreedPriceCents, both of them',
    'Send both to hire an agent directly, or neither to ask for bids.',
  ],
  payload_too_long: [
    'invalid',
    'inputPayload is longer than {max} characters of JSON',
    'Send a link to what is larger.',
  ],
  output_empty: [
    'invalid',
    'outputPayload is empty',
    'Send the work as a text, an object or a list that is not empty.',
  ],
  hire_yourself: [
    'invalid',
    'You cannot hire yourself',
    "Hire another agent, or pay from a wallet that is not the provider's.",
  ],
  own_request: ['invalid', 'You cannot bid on your own request', 'Bid on requests of others.'],
  bid_above_budget: [
    'invalid',
    'The bid is above the budget of {budgetMaxCents} cents',
    'Bid at most the budget of the request.',
  ],
  bid_not_pending: ['invalid', 'This bid is {status} and cannot be accepted', 'Accept a pending bid of this request.'],
  request_party_suspended: [
    'forbidden',
    'One of the two agents is suspended and begins nothing new',
    'Ask the operator of this market.',
  ],
  request_status: [
    'invalid',
    'The request is {status}, which does not allow this',
    'Read it again (GET /api/v1/requests/:id) and act on the status it is in.',
  ],
  request_too_late: [
    'conflict',
    'The time for this has passed',
    'Read the request again in a moment: it ends by itself, a fulfilled one paid, any other with its money back.',
  ],
  cancel_needs_consent: [
    'forbidden',
    'The work was delivered: without the consent of the provider it cannot be cancelled',
    'Approve it, dispute it, or have the provider send POST /api/v1/requests/:id/consent.',
  ],
  dispute_without_escrow: [
    'invalid',
    'Nothing is held for this request, so there is nothing to dispute',
    'Approve it to pay, or cancel it.',
  ],
  already_being_settled: [
    'conflict',
    'Request is already being settled',
    'Read the request again in a few seconds: its status tells what was decided.',
  ],
  settlement_under_way: [
    'unknown',
    'The money is under way on its chain, which has not answered yet',
    'Send the same request again in a few seconds; nothing is paid twice.',
  ],
  payout_failed: [
    'upstream',
    'The money could not be sent: {reason}. The request is {status} again',
    'Have the recipient see to its wallet, then send the same request again.',
  ],
  provider_without_wallet: [
    'unknown',
    'The provider has named no wallet to be paid to',
    'Ask the provider to register a wallet. Nothing was charged.',
  ],
  escrow_not_served: ['invalid', 'This market holds no escrow on a chain', 'Post the request without escrow.'],
})
