export {
  type CreatedAgent,
  createAgent,
  listAgents,
  markActivated,
  type NewAgent,
  ownProfileOf,
  partyByPassword,
  profileOf,
  profilesOf,
  setEmergencyAddress,
  setPayoutWallet,
  setSolanaWallet,
  setSuspended,
  setVerified,
  updateProfile,
} from './agents.ts'
export { addKey, issueKey, type KeyRequest, type KeyRow, listKeys, type MadeKey, revokeKey } from './api-keys.ts'
export { createAuthenticator } from './authenticator.ts'
export { identityRefusals } from './errors.ts'
export { type AgentQuery, type FoundAgent, findAgents, type Proofs } from './find-agents.ts'
export { usableKeys } from './key-store.ts'
export type { KeyLook } from './keys.ts'
export { hashPassword } from './passwords.ts'
export {
  type A2aCapabilities,
  type EmergencySource,
  type OwnProfile,
  type Profile,
  type ProfileChanges,
  type ProviderType,
  payoutWalletOn,
} from './profile.ts'
export { callbackUrlsOf, suspendedAmong } from './store.ts'
export { knownPartyOfWallet, partiesOfWallets, partyOfWallet } from './wallet-parties.ts'
export { claimAgent, provePayoutWallet } from './wallet-proofs.ts'
export { isWalletOf, ownersOf } from './wallet-store.ts'
export {
  MAX_ROTATION_SECONDS,
  ROTATION_SECONDS,
  type RotatedSecret,
  rotateWebhookSecret,
  webhookSecretsOf,
} from './webhook-secrets.ts'
