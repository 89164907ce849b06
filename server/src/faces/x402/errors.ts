import { defineRefusals } from '#kernel/refusal'

export const buyRefusals = defineRefusals({
  seller_without_wallet: [
    'unknown',
    'The seller of this offer has named no wallet to be paid to',
    'Buy something else, or ask the seller to register a wallet. Nothing was charged.',
  ],
  own_offer: ['invalid', 'This is your own offer', "Pay from a wallet that is not the seller's. Nothing was charged."],
  offer_elsewhere: [
    'conflict',
    'This offer was imported from another market; this route sells only what was listed here',
    'Buy it at {buyUrl}, where it costs the same.',
  ],
  offer_suspended: [
    'forbidden',
    'The seller of this offer is suspended and strikes no new bargain',
    'Buy something else. Nothing was charged; what was paid for before is still delivered.',
  ],
  not_the_payer: [
    'forbidden',
    'The wallet that signed in is not the one that paid for this purchase',
    'Sign in with the wallet that paid, on the network it paid on.',
  ],
  job_not_done: [
    'upstream',
    'The seller has not done it, and the job is {status}. What you paid goes back to your wallet (job {jobId})',
    'Buy again, or from somebody else. {url} says what has become of it.',
  ],
  input_refused: [
    'invalid',
    'The input does not satisfy the offer: {faults}',
    "Mend it after the offer's inputSchema and send it with the same payment. Nothing was charged.",
  ],
  relay_unasked: [
    'upstream',
    'The seller of this resource, which is sold elsewhere, could not be asked: {reason}. Nothing was charged',
    'Try again later, or buy something else.',
  ],
  relay_input_refused: [
    'invalid',
    'The seller of this resource refuses the input (it answered {status})',
    "Mend it after the offer's inputSchema. Nothing was charged.",
  ],
  relay_network_unknown: [
    'unsupported',
    'The seller of this resource takes no payment on a network that this market can look at',
    'Buy it from the seller itself: the offer says its endpoint. Nothing was charged.',
  ],
  seller_failed: [
    'upstream',
    'The seller could not do it: {reason}. Nothing was charged (purchase {purchaseId})',
    'Send the same request with the same payment again later, or let it expire.',
  ],
})
