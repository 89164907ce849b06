import { defineRefusals } from '#kernel/refusal'

export const walletRefusals = defineRefusals({
  chain_unreachable: [
    'unknown',
    'The {network} network cannot be asked right now',
    'Nothing was changed. Send the same request again in a few seconds.',
  ],
  address_malformed: [
    'invalid',
    '"{address}" is not the address of a wallet that USDC can be sent to',
    'On Solana send the public key of your wallet in base58, 32 to 44 characters; on Base 0x and 40 hexadecimal digits.',
  ],
  address_not_a_wallet: [
    'invalid',
    '{address} is not a wallet: it is a program, a token account or an address nobody has a key to',
    'Give the address of the wallet itself, which owns the USDC account, not the address of the USDC account.',
  ],
  address_is_ours: [
    'invalid',
    '{address} belongs to this market',
    'Give an address of a wallet you hold the key to yourself.',
  ],
  recipient_token_account_missing: [
    'invalid',
    'The wallet {address} has no USDC account yet, so nothing can be paid to it',
    'Open one by sending any amount of USDC to that wallet from elsewhere (or with "spl-token create-account"), then ask again.',
  ],
  recipient_token_account_frozen: [
    'invalid',
    "The USDC account of {address} is frozen by the token's issuer",
    'Set another withdrawal address with PUT /api/v1/wallet/withdrawal-address.',
  ],
  no_withdrawal_address: [
    'invalid',
    'You have not said where withdrawals should go',
    'Set it with PUT /api/v1/wallet/withdrawal-address {"address": "…"}; the first one can be used at once.',
  ],
  address_cooldown: [
    'forbidden',
    'The withdrawal address was changed; it can be used from {cooldown_until}',
    'Wait until then. If it was not you who changed it, call POST /api/v1/wallet/panic now.',
  ],
  address_not_saved: [
    'forbidden',
    '{address} is not in your address book, or not for long enough',
    'Save it with PUT /api/v1/wallet/withdrawal-address and wait for its cooldown.',
  ],
  address_changed_meanwhile: [
    'conflict',
    'The withdrawal address was changed while this was being looked at',
    'Read it again with GET /api/v1/wallet/balance, then repeat the request.',
  ],
  below_minimum: [
    'invalid',
    'The smallest withdrawal is {minimum} micro-units',
    'Withdraw at least {minimum} micro-units (1 USDC = 1000000).',
  ],
  network_not_served: [
    'invalid',
    'This market does not pay out over the network "{network}"; it does over: {networks}',
    'Send one of these as "network", or leave it out.',
  ],
  withdrawal_unknown: ['missing', 'You have no such withdrawal', 'GET /api/v1/wallet/withdrawals lists yours.'],
  withdrawal_not_cancellable: [
    'conflict',
    'This withdrawal is {state} and cannot be taken back',
    'Only withdrawals that wait for the network to have enough money (status queued_liquidity) can be cancelled.',
  ],
  rescue_not_cancellable: [
    'conflict',
    'What panic sends to the emergency address cannot be taken back',
    'Wait until it has arrived; GET /api/v1/wallet/withdrawals/:id shows how far it is.',
  ],
  nothing_to_rescue: [
    'invalid',
    'The available balance is below {minimum} micro-units, the least that panic sends',
    'Money in open jobs stays there; send {"cancelOrders": true} to cancel your undelivered orders first.',
  ],
  no_revenue: [
    'invalid',
    'The platform has earned {earned} micro-units, less than the {minimum} that are paid out at once',
    'Wait until there is more.',
  ],
  too_many_panics: [
    'limited',
    'Panic has paid out {limit} times within a day, and that is the most',
    'Wait a day, or withdraw to your saved address.',
  ],
  no_emergency_address: [
    'conflict',
    'No emergency address is known, so all outgoing money is frozen until {until} instead',
    'A deposit of at least 1 USDC from your own wallet sets the emergency address; then call panic again.',
  ],
})
