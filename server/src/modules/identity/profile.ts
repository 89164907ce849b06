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
  readonly activated: boolean
  /** The operator's badge. */
  readonly verified: boolean
  readonly suspended: boolean
  /** It has an emergency address, so that a stranger's deposit can no longer become it (D-32). */
  readonly recoverable: boolean
  readonly createdAt: Date
}

export type EmergencySource = 'registration' | 'deposit' | 'replacement'

/** What only the agent itself may see. */
export interface OwnProfile extends Profile {
  readonly callbackUrl: string | null
  readonly email: string | null
  readonly activatedAt: Date | null
  readonly emergencyAddress: string | null
  readonly emergencySource: EmergencySource | null
}

/** What an agent may change about itself; null empties a field (JP-18). */
export interface ProfileChanges {
  readonly description?: string
  readonly capabilities?: readonly string[]
  readonly callbackUrl?: string | null
  readonly avatarUrl?: string | null
  readonly websiteUrl?: string | null
}
