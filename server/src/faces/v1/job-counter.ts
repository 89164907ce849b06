import { catalogRefusals, type Service, serviceById } from '#catalog'
import { isId } from '#kernel/id'
import { type Engine, type MoveRequest, type Order, orderRefusals, ordersById } from '#orders'
import type { Db } from '#platform/db'
import { createDesk, type Desk } from '#platform/http/desk'
import { gatherLookups } from '#platform/lookups'
import type { SchemaFault, SchemaValidator } from '#platform/strangers-schema/index'
import { type DirectDeps, directRefusals, type Hire, hireEach, openHires } from '#trades/direct'
import type { V1Context } from './context.ts'

/** What stands between a job's routes and the engine: schemas are checked before, concurrent requests share a commit. */
export interface JobCounter {
  readonly hire: Desk<Hire, Order>
  readonly move: Desk<MoveRequest, Order>
  /** The service as last seen, its input schema satisfied; throws what is wrong. */
  checkInput(serviceId: string, input: unknown): Promise<Service>
  /** Whether what is delivered satisfies what was agreed on; throws what is wrong. */
  checkOutput(order: Order, output: unknown): Promise<void>
  /** Forgets a service that has changed. */
  forget(serviceId: string): void
}

export interface JobCounterDeps extends Pick<V1Context, 'store' | 'answers'> {
  readonly engine: Engine
  readonly direct: DirectDeps
  readonly validator: Pick<SchemaValidator, 'validate'>
}

const MAX_REMEMBERED = 1000
const MAX_FAULTS_SHOWN = 5

export function createJobCounter({ store, answers, engine, direct, validator }: JobCounterDeps): JobCounter {
  const remembered = new Map<string, Service>()
  return {
    hire: createDesk({
      ...{ store, answers },
      open: (db, hires) => openHires(db, direct, hires),
      work: (tx, hires, opened) => hireEach(tx, { ...direct, engine }, hires, opened),
    }),
    move: createDesk({
      ...{ store, answers },
      open: (db, requests) => engine.lock(db, requests),
      work: (tx, requests, orders) => engine.moveLocked(tx, orders, requests),
    }),
    checkInput: async (serviceId, input) => {
      const service = remembered.get(serviceId) ?? (await findService(store.read, serviceId))
      if (remembered.size >= MAX_REMEMBERED) remembered.clear()
      remembered.set(serviceId, service)
      const faults = await validator.validate(service.inputSchema, input)
      if (faults.length > 0) throw directRefusals.input_invalid({ faults: sentenceOf(faults), errors: listOf(faults) })
      return service
    },
    checkOutput: async (order, output) => {
      const hash = order.terms.verification?.outputSchema
      if (hash === undefined) return
      const schema = await direct.schemas.find(store.read, hash)
      if (schema === undefined) throw new Error(`the schema that job ${order.id} was agreed on is not kept`)
      const faults = await validator.validate(schema, output)
      if (faults.length > 0) throw directRefusals.output_invalid({ faults: sentenceOf(faults), errors: listOf(faults) })
    },
    forget: (serviceId) => {
      remembered.delete(serviceId)
    },
  }
}

/** A job as one of its two parties sees it: 404 when there is none, 403 for anybody else (JP-81). */
export function createJobOf(db: Db): (asked: { readonly jobId: string; readonly partyId: string }) => Promise<Order> {
  const find = gatherLookups(db, ordersById)
  return async ({ jobId, partyId }) => jobOf(isId(jobId) ? await find(jobId) : undefined, partyId)
}

function jobOf(order: Order | undefined, partyId: string): Order {
  if (!order) throw orderRefusals.order_unknown()
  if (order.buyerId !== partyId && order.sellerId !== partyId) throw orderRefusals.not_your_order()
  return order
}

async function findService(db: Db, serviceId: string): Promise<Service> {
  const service = isId(serviceId) ? await serviceById(db, serviceId) : undefined
  if (!service) throw catalogRefusals.service_unknown()
  return service
}

function listOf(faults: readonly SchemaFault[]): string[] {
  return faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
}

function sentenceOf(faults: readonly SchemaFault[]): string {
  return listOf(faults.slice(0, MAX_FAULTS_SHOWN)).join('; ')
}
