import {
  type Address,
  createKeyPairSignerFromPrivateKeyBytes,
  getAddressDecoder,
  type KeyPairSigner,
} from '@solana/kit'
import { HDKey } from 'micro-key-producer/slip10.js'

/**
 * Keys by SLIP-0010 from the master secret: `m/44'/501'/i'/0'` for deposit address i, `m/44'/501'/0'/1'` for the hot
 * wallet. ed25519 knows hardened derivation only, so even an address needs the secret. Only the signer holds a vault.
 */
export interface Vault {
  readonly hotWallet: Address
  readonly feePayer: Address
  addressAt(index: number): Address
  signerAt(index: number): Promise<KeyPairSigner>
  hotSigner(): Promise<KeyPairSigner>
  feeSigner(): Promise<KeyPairSigner>
}

const ACCOUNTS = "m/44'/501'"
const HOT_WALLET = "0'/1'"
const MAX_INDEX = 0x7fff_ffff

export function openVault({
  masterSecret,
  feePayerSeed,
}: {
  masterSecret: Uint8Array
  feePayerSeed?: Uint8Array
}): Vault {
  const root = HDKey.fromMasterSeed(masterSecret)
  const accounts = root.derive(ACCOUNTS)
  const hot = root.derive(`${ACCOUNTS}/${HOT_WALLET}`)
  const keyAt = (index: number): HDKey => {
    if (!Number.isInteger(index) || index < 0 || index > MAX_INDEX) throw new Error(`no deposit key has index ${index}`)
    return accounts.derive(`m/${index}'/0'`)
  }
  const hotSigner = once(() => createKeyPairSignerFromPrivateKeyBytes(hot.privateKey))
  const feeSigner = feePayerSeed ? once(() => createKeyPairSignerFromPrivateKeyBytes(feePayerSeed)) : hotSigner
  return {
    hotWallet: addressOf(hot),
    feePayer: feePayerSeed ? addressOf(keyOf(feePayerSeed)) : addressOf(hot),
    addressAt: (index) => addressOf(keyAt(index)),
    signerAt: (index) => createKeyPairSignerFromPrivateKeyBytes(keyAt(index).privateKey),
    hotSigner,
    feeSigner,
  }
}

function addressOf(key: HDKey): Address {
  return getAddressDecoder().decode(key.publicKeyRaw)
}

function keyOf(privateKey: Uint8Array): HDKey {
  return new HDKey({ chainCode: new Uint8Array(32), privateKey })
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
