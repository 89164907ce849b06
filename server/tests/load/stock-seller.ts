import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { x402Facilitator } from '@x402/core/facilitator'
import type { FacilitatorClient } from '@x402/core/server'
import type { Network, PaymentPayload } from '@x402/core/types'
import { authorizationTypes, toFacilitatorEvmSigner } from '@x402/evm'
import { ExactEvmScheme as SettlingScheme } from '@x402/evm/exact/facilitator'
import { ExactEvmScheme as SellingScheme } from '@x402/evm/exact/server'
import { paymentMiddleware, x402ResourceServer } from '@x402/express'
import express from 'express'
import { createWalletClient, defineChain, type Hex, http, publicActions, toHex, verifyTypedData } from 'viem'
import { nonceManager, privateKeyToAccount } from 'viem/accounts'

/** What the peer is told at its start, as JSON in its first argument. */
export interface StockSeller {
  readonly network: string
  /** Null: payments are settled at once, by nobody. */
  readonly rpcUrl: string | null
  /** Pays the gas. */
  readonly secretKey: Hex
  readonly payTo: string
  readonly priceMicros: string
  readonly token: { readonly address: Hex; readonly name: string; readonly version: string }
}

const PATH = '/shout'
const POLL_MS = 10

const told = JSON.parse(process.argv[2] ?? '') as StockSeller
const network = told.network as Network
const chainId = Number(told.network.split(':')[1])

/** The stock facilitator, in the same process: faster than over HTTP, as its users run it. */
function settling(rpcUrl: string): FacilitatorClient {
  const chain = defineChain({
    ...{ id: chainId, name: told.network, rpcUrls: { default: { http: [rpcUrl] } } },
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  })
  const account = privateKeyToAccount(told.secretKey, { nonceManager })
  const client = createWalletClient({ account, chain, transport: http(rpcUrl), pollingInterval: POLL_MS }).extend(
    publicActions,
  )
  const signer = toFacilitatorEvmSigner({ ...client, address: account.address } as never)
  const facilitator = new x402Facilitator().register(network, new SettlingScheme(signer))
  return {
    verify: (payload, requirements) => facilitator.verify(payload, requirements),
    settle: (payload, requirements) => facilitator.settle(payload, requirements),
    getSupported: async () => facilitator.getSupported() as Awaited<ReturnType<FacilitatorClient['getSupported']>>,
  }
}

/** Every signature is verified, as the stock facilitator does it; settling is done at once. */
function instant(): FacilitatorClient {
  return {
    verify: async (payload) => {
      const { authorization, signature } = payload.payload as unknown as Exact
      const isValid = await verifyTypedData({
        address: authorization.from,
        domain: { name: told.token.name, version: told.token.version, chainId, verifyingContract: told.token.address },
        types: authorizationTypes,
        primaryType: 'TransferWithAuthorization',
        message: {
          ...authorization,
          value: BigInt(authorization.value),
          validAfter: BigInt(authorization.validAfter),
          validBefore: BigInt(authorization.validBefore),
        },
        signature,
      })
      return { isValid, payer: authorization.from }
    },
    settle: async (payload: PaymentPayload) => {
      const { authorization } = payload.payload as unknown as Exact
      return { success: true, transaction: toHex(randomBytes(32)), network, payer: authorization.from }
    },
    getSupported: async () => ({ kinds: [{ x402Version: 2, scheme: 'exact', network }], extensions: [], signers: {} }),
  }
}

interface Exact {
  readonly signature: Hex
  readonly authorization: {
    readonly from: Hex
    readonly to: Hex
    readonly value: string
    readonly validAfter: string
    readonly validBefore: string
    readonly nonce: Hex
  }
}

const { address: asset, name, version } = told.token
const price = { asset, amount: told.priceMicros, extra: { name, version } }
const server = new x402ResourceServer(told.rpcUrl === null ? instant() : settling(told.rpcUrl)).register(
  network,
  new SellingScheme(),
)
const app = express()
app.use(
  paymentMiddleware(
    {
      [`POST ${PATH}`]: {
        accepts: { scheme: 'exact', network, payTo: told.payTo, price },
        description: 'Says it louder.',
        mimeType: 'application/json',
      },
    },
    server,
  ),
)
app.use(express.json())
app.post(PATH, (request, response) => {
  response.json({ loud: String((request.body as { text?: unknown }).text).toUpperCase() })
})
const listening = app.listen(0, '127.0.0.1', () => {
  const { port } = listening.address() as AddressInfo
  process.stdout.write(`The stock seller is ready at http://127.0.0.1:${port}\n`)
})
