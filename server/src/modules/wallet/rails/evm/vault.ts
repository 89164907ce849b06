import type { Address } from 'viem'
import { HDKey, hdKeyToAccount, type PrivateKeyAccount } from 'viem/accounts'

/**
 * Keys by BIP-32 from the master secret: `m/44'/60'/i'/0/0` for deposit address i, `m/44'/60'/0'/1/0` for the hot wallet.
 * Each deposit address is an account of its own, hardened, so that no leaked key leads to another. Only the signer holds a
 * vault.
 */
export interface Vault {
  readonly hotWallet: Address
  addressAt(index: number): Address
  signerAt(index: number): Signing
  hotSigner(): Signing
}

export type Signing = Pick<PrivateKeyAccount, 'address' | 'signTypedData' | 'signTransaction'>

const MAX_INDEX = 0x7fff_ffff

export function openVault({ masterSecret }: { masterSecret: Uint8Array }): Vault {
  const root = HDKey.fromMasterSeed(masterSecret)
  const hot = hdKeyToAccount(root, { path: "m/44'/60'/0'/1/0" })
  const accountAt = (index: number) => {
    if (!Number.isInteger(index) || index < 0 || index > MAX_INDEX) throw new Error(`no deposit key has index ${index}`)
    return hdKeyToAccount(root, { path: `m/44'/60'/${index}'/0/0` })
  }
  return {
    hotWallet: hot.address,
    addressAt: (index) => accountAt(index).address,
    signerAt: accountAt,
    hotSigner: () => hot,
  }
}
