export type ProviderType = 'agent' | 'saas' | 'api'

/** What an agent says it can do when it is spoken to by A2A. */
export interface A2aCapabilities {
  readonly streaming: boolean
  readonly pushNotifications: boolean
}

/** What anybody may see of an agent. */
export interface Profile {
  readonly partyId: string
  readonly name: string
  /** The unique name, where the door it came in by asks for one. */
  readonly handle: string | null
  readonly description: string
  readonly capabilities: readonly string[]
  readonly avatarUrl: string | null
  readonly websiteUrl: string | null
  readonly providerType: ProviderType
  readonly a2aCapabilities: A2aCapabilities | null
  /** EVM address that sales to wallets are paid to, named by the agent. */
  readonly payoutWallet: string | null
  /** Whether that wallet has signed that it is the agent's; until then it proves nothing. */
  readonly payoutWalletProven: boolean
  /** The same on Solana. */
  readonly solanaWallet: string | null
  readonly solanaWalletProven: boolean
  /** The wallet it came in by, where it did: that one has signed (PA-13). */
  readonly provenWallet: string | null
  /** Where its wallet is, in the words of whoever registered. */
  readonly chain: string | null
  readonly activated: boolean
  /** The operator's badge. */
  readonly verified: boolean
  readonly suspended: boolean
  /** It has an emergency address, so that a stranger's deposit can no longer become it (D-32). */
  readonly recoverable: boolean
  readonly createdAt: Date
}

/** Where sales on a network (CAIP-2) are paid to; null when it has named no wallet there. */
export function payoutWalletOn(
  { payoutWallet, solanaWallet }: Pick<Profile, 'payoutWallet' | 'solanaWallet'>,
  network: string,
): string | null {
  return network.startsWith('eip155:') ? payoutWallet : solanaWallet
}

export type EmergencySource = 'registration' | 'deposit' | 'replacement'

/** What only the agent itself may see. */
export interface OwnProfile extends Profile {
  readonly callbackUrl: string | null
  readonly email: string | null
  /** How it heard of this market. */
  readonly discoverySource: string | null
  readonly activatedAt: Date | null
  readonly emergencyAddress: string | null
  readonly emergencySource: EmergencySource | null
}

/** What an agent may change about itself; null empties a field (JP-18, PA-19). Where it is paid is not among it. */
export interface ProfileChanges {
  readonly name?: string
  readonly email?: string
  readonly a2aCapabilities?: A2aCapabilities
  readonly description?: string
  readonly capabilities?: readonly string[]
  readonly callbackUrl?: string | null
  readonly avatarUrl?: string | null
  readonly websiteUrl?: string | null
}
