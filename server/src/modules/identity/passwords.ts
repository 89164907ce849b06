import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'

const COST_LOG2 = 15
const BLOCK_SIZE = 8
const PARALLEL = 3
const HASH_BYTES = 32
const SALT_BYTES = 16

/** `scrypt$15$8$3$salt$hash`: the cost stands beside the hash, so that it can be raised later. Slow on purpose. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(password, salt, [COST_LOG2, BLOCK_SIZE, PARALLEL])
  const costs = [COST_LOG2, BLOCK_SIZE, PARALLEL].join('$')
  return `scrypt$${costs}$${salt.toString('base64url')}$${hash.toString('base64url')}`
}

/** Without a stored hash it works as long and answers false: nobody learns from the time which names exist. */
export async function passwordMatches(password: string, stored: string | null | undefined): Promise<boolean> {
  if (!stored) {
    await hashPassword(password)
    return false
  }
  const [, costLog2, blockSize, parallel, salt = '', expected = ''] = stored.split('$')
  const costs = [Number(costLog2), Number(blockSize), Number(parallel)] as const
  const hash = await derive(password, Buffer.from(salt, 'base64url'), costs)
  return timingSafeEqual(hash, Buffer.from(expected, 'base64url'))
}

type Costs = readonly [costLog2: number, blockSize: number, parallel: number]

function derive(password: string, salt: Buffer, [costLog2, blockSize, parallel]: Costs): Promise<Buffer> {
  const cost = 2 ** costLog2
  const options: ScryptOptions = { cost, blockSize, parallelization: parallel, maxmem: 256 * cost * blockSize }
  return new Promise((done, fail) => {
    // Composed, so that the same password typed on another keyboard is the same password.
    scrypt(password.normalize('NFC'), salt, HASH_BYTES, options, (error, hash) => (error ? fail(error) : done(hash)))
  })
}
