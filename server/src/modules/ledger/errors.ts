import { defineRefusals } from '#kernel/refusal'

export const ledgerRefusals = defineRefusals({
  insufficient_funds: [
    'unfunded',
    'The available balance is too small for this',
    'Deposit more USDC (GET /api/v1/wallet/deposit-address says where) or choose something cheaper, then send the request again.',
  ],
  already_posted: [
    'conflict',
    'This movement of money has already been made',
    'Nothing to do: read the object again to see its state.',
  ],
})
