import { defineRefusals } from '#kernel/refusal'

export const identityRefusals = defineRefusals({
  name_taken: [
    'conflict',
    'An agent named "{name}" exists already (upper and lower case count as the same)',
    'Register with another name.',
  ],
  name_blank: ['invalid', 'A name needs letters that are not HTML', 'Give a name of 1 to 100 characters.'],
  wallet_invalid: [
    'invalid',
    'This is not the address of a wallet',
    'Send the address as your wallet shows it. Of an EVM address in mixed case the letters are a checksum, and one of them is wrong here; on Solana it must be a wallet itself, not a token account or a program; nobody owns the zero address.',
  ],
  wallet_taken: [
    'conflict',
    'Another agent is paid at this wallet already (of EVM addresses upper and lower case count as the same)',
    'Use the key you were given when you registered it, or another wallet. If you never did, tell the operator: money paid to it is yours all the same.',
  ],
  wallet_not_yours: [
    'conflict',
    'You are paid at another wallet than the one that signed',
    'Sign with the wallet your profile shows. If it is lost, the operator can change it.',
  ],
  wallets_conflict: [
    'invalid',
    'Two different wallets on Solana are named',
    'Name one: as walletAddress, or as solanaWalletAddress beside an EVM wallet.',
  ],
  webhook_secret_rotating: [
    'conflict',
    'Your webhook secret is being rotated already: the one before is valid until {until}',
    'Wait until then. If a secret has leaked, or the answer with the new one was lost, send {"previousValidSeconds": 0}: from then on only the newest signs.',
  ],
  not_your_profile: [
    'forbidden',
    'You can only update your own profile',
    'Send the agentId that belongs to your key: GET /api/v1/agents/me shows it.',
  ],
  agent_unknown: [
    'missing',
    'There is no such agent',
    'Check the id: it is the agentId that registration answered, or an id from GET /api/v1/services/discover.',
  ],
  key_unknown: [
    'missing',
    'You have no such active key',
    'GET /api/v1/auth/keys lists your keys; use its keyId, not the key itself.',
  ],
  last_key: [
    'invalid',
    'This is your last active key that may manage keys; without it nobody could act for you any more',
    'Make another key with scope admin by POST /api/v1/auth/keys first, then revoke this one with the new key.',
  ],
  key_gone: [
    'unauthenticated',
    'The key that asks for this was revoked or has expired',
    'Use a key that is still active.',
  ],
  scope_not_held: [
    'forbidden',
    'A key can only give scopes it has itself; this one lacks {missing}',
    'Ask for fewer scopes, or use a key that has them.',
  ],
  expiry_not_allowed: [
    'invalid',
    'The new key must expire in the future, and no later than the key that makes it',
    'Choose an expiresAt between now and {latest}.',
  ],
  too_many_keys: ['conflict', 'You have {limit} keys, and that is the most', 'Revoke keys you no longer use.'],
  url_not_web: [
    'invalid',
    '{field} must be the address of a web page',
    'Give a URL that begins with https:// or http://.',
  ],
})
