import {
  type Address,
  type Base64EncodedDataResponse,
  type Commitment,
  getBase64Encoder,
  isAddress,
  isOffCurveAddress,
} from '@solana/kit'
import { AccountState, findAssociatedTokenPda, getTokenDecoder, getTokenSize, type Token } from '@solana-program/token'
import type { DestinationProblem } from '../../rail.ts'
import { SYSTEM_PROGRAM, TOKEN_PROGRAM } from './programs.ts'
import type { SolanaRpc } from './rpc.ts'

/** The most addresses a node looks up in one question. */
const MAX_LOOKUP = 100

interface Account {
  readonly owner: Address
  readonly executable: boolean
  readonly data: Base64EncodedDataResponse
}

export function isWalletAddress(text: string): boolean {
  return isAddress(text) && !isOffCurveAddress(text)
}

export async function lookUp(
  rpc: SolanaRpc,
  addresses: readonly string[],
  commitment: Commitment,
): Promise<(Account | null)[]> {
  const found: (Account | null)[] = []
  for (let from = 0; from < addresses.length; from += MAX_LOOKUP) {
    const part = addresses.slice(from, from + MAX_LOOKUP) as Address[]
    const { value } = await rpc.ask((node) => node.getMultipleAccounts(part, { encoding: 'base64', commitment }))
    found.push(...value)
  }
  return found
}

/** A token account of our mint under the one token program, or nothing. */
export function tokenIn(account: Account | null | undefined, mint: string): Token | null {
  if (account?.owner !== TOKEN_PROGRAM) return null
  const bytes = getBase64Encoder().encode(account.data[0])
  if (bytes.length !== getTokenSize()) return null
  const token = getTokenDecoder().decode(bytes)
  return token.mint === mint && token.state !== AccountState.Uninitialized ? token : null
}

/** What stands in the way of paying each address; wallets that never existed on the chain are wallets all the same. */
export async function problemsOf(
  rpc: SolanaRpc,
  { addresses, mint, reserved }: { addresses: readonly string[]; mint: Address; reserved: ReadonlySet<string> },
): Promise<Map<string, DestinationProblem | null>> {
  const problems = new Map(addresses.map((text) => [text, shapeProblem(text, reserved)] as const))
  const wallets = [...problems].flatMap(([text, problem]) => (problem === null ? [text as Address] : []))
  const tokenAccounts = await Promise.all(
    wallets.map(async (owner) => (await findAssociatedTokenPda({ owner, mint, tokenProgram: TOKEN_PROGRAM }))[0]),
  )
  const accounts = await lookUp(rpc, [...wallets, ...tokenAccounts], 'confirmed')
  for (const [i, wallet] of wallets.entries()) {
    const token = tokenIn(accounts[wallets.length + i], mint)
    problems.set(wallet, chainProblem({ wallet, account: accounts[i] ?? null, token }))
  }
  return problems
}

function shapeProblem(text: string, reserved: ReadonlySet<string>): DestinationProblem | null {
  if (!isAddress(text)) return 'malformed'
  if (isOffCurveAddress(text)) return 'off_curve'
  return reserved.has(text) ? 'reserved' : null
}

interface Seen {
  readonly wallet: Address
  readonly account: Account | null
  readonly token: Token | null
}

function chainProblem({ wallet, account, token }: Seen): DestinationProblem | null {
  if (account !== null && (account.owner !== SYSTEM_PROGRAM || account.executable)) return 'not_a_wallet'
  // The account at the right address may have been given away by setAuthority: it would pay somebody else.
  if (token === null || token.owner !== wallet) return 'token_account_missing'
  return token.state === AccountState.Frozen ? 'token_account_frozen' : null
}
