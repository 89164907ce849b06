import { type Config, ConfigError, type EvmConfig } from '#platform/config/index'

const SOLANA_MAINNET = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'

/** Which Solana network this is, by its genesis; the sandbox takes none but our own local ones. */
export async function solanaIdentity(
  { live, solana: { network } }: Pick<Config, 'live' | 'solana'>,
  url: string,
): Promise<string> {
  const node = { variable: 'SOLANA_RPC_URL', url }
  if (!live && !('souk-devchain' in (await ask<object>(node, 'getVersion')))) throw notOurs(node)
  const identity = `solana:${await ask<string>(node, 'getGenesisHash')}`
  // CAIP-2 names a Solana network by the beginning of its genesis hash.
  if (live && network === SOLANA_MAINNET && !identity.startsWith(SOLANA_MAINNET)) {
    throw new ConfigError([
      `SOLANA_RPC_URL leads to ${identity}, but SOLANA_NETWORK is ${network}: take a node of that network`,
    ])
  }
  return identity
}

/** Which EVM chain this is, by its id and its genesis; the sandbox takes none but our own local ones. */
export async function evmIdentity({ live, evm }: { live: boolean; evm: EvmConfig }, url: string): Promise<string> {
  const node = { variable: 'EVM_RPC_URL', url }
  if (!live && !(await ask<string>(node, 'web3_clientVersion')).startsWith('souk-devchain/')) throw notOurs(node)
  const chainId = Number(await ask<string>(node, 'eth_chainId'))
  if (chainId !== evm.chainId) {
    throw new ConfigError([
      `EVM_RPC_URL leads to chain ${chainId}, but EVM_CHAIN_ID is ${evm.chainId}: take a node of that chain`,
    ])
  }
  const genesis = await ask<{ hash: string }>(node, 'eth_getBlockByNumber', ['0x0', false])
  return `eip155:${chainId}:${genesis.hash}`
}

interface Node {
  readonly variable: string
  readonly url: string
}

const notOurs = ({ variable }: Node) =>
  new ConfigError([`${variable} is not one of the local test chains, and the sandbox uses no other: unset it`])

async function ask<T>({ variable, url }: Node, method: string, params: readonly unknown[] = []): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(10_000),
  }).catch((error: Error) => {
    throw new ConfigError([`${variable} ${url} does not answer: ${error.message}`])
  })
  const { result } = (await response.json()) as { result?: T }
  if (result === undefined || result === null) throw new ConfigError([`${variable} ${url} does not know ${method}`])
  return result
}
