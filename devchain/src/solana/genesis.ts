import { randomBytes } from 'node:crypto'
import {
  type Address,
  address,
  createKeyPairSignerFromPrivateKeyBytes,
  getBase58Decoder,
  getBase58Encoder,
  type KeyPairSigner,
} from '@solana/kit'
import { getMintEncoder } from '@solana-program/token'
import type { Bank } from './bank.ts'
import { SYSTEM_PROGRAM, TOKEN_PROGRAM } from './programs.ts'
import type { AccountState } from './records.ts'
import type { SolanaChainSettings } from './settings.ts'
import type { ChainStore } from './store.ts'

/** Enough for hundreds of thousands of wallets, and still exact as a JSON number. */
const FAUCET_LAMPORTS = 5_000_000_000_000_000n
const MINT_LAMPORTS = 1_461_600n

/** What makes this chain this chain: drawn once, kept with its data. */
export interface Genesis {
  readonly genesisHash: string
  readonly seed: string
  readonly faucet: KeyPairSigner
  readonly mintAuthority: KeyPairSigner
}

export async function genesisOf(store: ChainStore): Promise<Genesis> {
  if (store.fact('genesis_hash') === null) {
    store.atomically(() => {
      for (const name of ['genesis_hash', 'seed', 'faucet_key', 'mint_authority_key']) {
        store.setFact(name, getBase58Decoder().decode(randomBytes(32)))
      }
    })
  }
  const fact = (name: string): string => store.fact(name) ?? ''
  const signer = (name: string) => createKeyPairSignerFromPrivateKeyBytes(getBase58Encoder().encode(fact(name)))
  return {
    genesisHash: fact('genesis_hash'),
    seed: fact('seed'),
    faucet: await signer('faucet_key'),
    mintAuthority: await signer('mint_authority_key'),
  }
}

interface Placement {
  readonly store: ChainStore
  readonly bank: Bank
  readonly genesis: Genesis
  readonly settings: SolanaChainSettings
}

/** Puts the mint and the faucet in place where they are missing; what exists is left alone. */
export function placeGenesisAccounts({ store, bank, genesis, settings }: Placement): void {
  const wanted: AccountState[] = [
    {
      address: genesis.faucet.address,
      lamports: FAUCET_LAMPORTS,
      owner: SYSTEM_PROGRAM,
      executable: false,
      data: new Uint8Array(),
    },
    mintAccount(address(settings.mint), genesis.mintAuthority.address, settings.mintDecimals),
  ]
  const missing = wanted.filter((account) => bank.account(account.address) === null)
  store.atomically(() => {
    for (const account of missing) store.placeAccount(account, null)
  })
  for (const account of missing) bank.put(account)
}

function mintAccount(mint: Address, mintAuthority: Address, decimals: number): AccountState {
  const data = getMintEncoder().encode({
    mintAuthority,
    supply: 0n,
    decimals,
    isInitialized: true,
    freezeAuthority: null,
  })
  return {
    address: mint,
    lamports: MINT_LAMPORTS,
    owner: TOKEN_PROGRAM,
    executable: false,
    data: Uint8Array.from(data),
  }
}
