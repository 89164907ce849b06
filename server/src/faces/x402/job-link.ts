import { createHmac, timingSafeEqual } from 'node:crypto'
import { isId } from '#kernel/id'

/** The address by which a wallet's job is read and moved, for whoever was told it (D-20). */
export interface JobLinks {
  urlOf(orderId: string): string
  /** The order behind the last part of such an address; undefined for one that we have not made. */
  orderIn(token: string): string | undefined
}

const ID_BYTES = 16
const SEAL_BYTES = 32

/**
 * Ids of orders are public (receipts name them), so 256 bits nobody can guess follow the id. They are the id sealed with our key:
 * nothing has to be kept, whoever pays again is told the same address, and no copy of the database opens a job.
 */
export function createJobLinks({ key, publicUrl }: { key: Uint8Array; publicUrl: string }): JobLinks {
  const sealOf = (id: Buffer) => createHmac('sha256', key).update(id).digest()
  return {
    urlOf: (orderId) => {
      const id = Buffer.from(orderId.replaceAll('-', ''), 'hex')
      return `${publicUrl}/x402/jobs/${Buffer.concat([id, sealOf(id)]).toString('base64url')}`
    },
    orderIn: (token) => {
      const bytes = Buffer.from(token, 'base64url')
      if (bytes.length !== ID_BYTES + SEAL_BYTES) return undefined
      const id = bytes.subarray(0, ID_BYTES)
      if (!timingSafeEqual(bytes.subarray(ID_BYTES), sealOf(id))) return undefined
      const orderId = id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
      return isId(orderId) ? orderId : undefined
    },
  }
}
