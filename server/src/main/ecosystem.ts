import { configureSources, importSweep } from '#ecosystem'
import { partyOfWallet } from '#identity'
import type { Sweep } from '#platform/sweeps'
import type { Core, SoukOptions } from './souk.ts'
import type { X402Part } from './x402.ts'

/** What is imported from other markets, and the sweep that does it. */
export async function openEcosystem(
  { config, publicUrl, store, outbound }: SoukOptions & Core,
  { facilitators }: Pick<X402Part, 'facilitators'>,
): Promise<readonly Sweep[]> {
  await store.transact((tx) => configureSources(tx, { urls: config.bazaarSources }))
  const chains = facilitators.all.map(({ chain }) => chain)
  const reading = { sandbox: !config.live, publicUrl, ours: chains.map(({ network, asset }) => ({ network, asset })) }
  return [importSweep({ store, outbound, reading, sellerOf: partyOfWallet })]
}
