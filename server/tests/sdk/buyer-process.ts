// A buyer in a process of its own: buys what it is told to and says by which transaction.
import { buy, usdc } from '@souk/sdk'
import { fileStore } from '@souk/sdk/file-store'
import type { Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

const [url = '', folder = '', secretKey = '', key] = process.argv.slice(2)
const { payment } = await buy(url, {
  wallet: privateKeyToAccount(secretKey as Hex),
  store: fileStore(folder),
  maxPrice: usdc('0.01'),
  input: { text: 'hello' },
  ...(key === undefined ? {} : { key }),
})
process.stdout.write(`${payment?.txHash}\n`)
