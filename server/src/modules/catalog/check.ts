import type { RefusalDetails } from '#kernel/refusal'
import { checkSchema, type SchemaFault, type SchemaValidator } from '#platform/strangers-schema/index'
import { changesOf, fieldsOf } from './draft.ts'
import { catalogRefusals } from './errors.ts'
import {
  LIMITS,
  type Patch,
  type Service,
  type ServiceChanges,
  type ServiceDraft,
  type ServiceFields,
} from './service.ts'

type Contract = Pick<ServiceFields, 'inputSchema' | 'outputSchema' | 'exampleInput' | 'exampleOutput'>
type Validator = Pick<SchemaValidator, 'validate'>

/** A service that may be listed; only `checkService` makes one. */
export interface CheckedService {
  readonly fields: ServiceFields
}

/** A change that may be made; only `checkChanges` makes one. */
export interface CheckedChanges {
  readonly changes: Patch
  /** The version whose schemas and examples these were checked with; null when neither is touched. */
  readonly basedOn: number | null
}

/**
 * Checks a new service before its unit of work: limits (JP-36..47), schemas, and that the examples obey them. A
 * stranger's schema may take its time, so no transaction waits for it. Throws `service_invalid`.
 */
export async function checkService(
  draft: ServiceDraft,
  { validator }: { validator: Validator },
): Promise<CheckedService> {
  const fields = fieldsOf(draft)
  await holdContract(fields, validator)
  return { fields }
}

/** The same for a change of a service as it is now. */
export async function checkChanges(
  draft: ServiceChanges,
  { service, validator }: { service: Service; validator: Validator },
): Promise<CheckedChanges> {
  const changes = changesOf(draft)
  if (!touchesContract(changes)) return { changes, basedOn: null }
  await holdContract({ ...service, ...changes }, validator)
  return { changes, basedOn: service.version }
}

function touchesContract(changes: Patch): boolean {
  return ['inputSchema', 'outputSchema', 'exampleInput', 'exampleOutput'].some((field) => field in changes)
}

async function holdContract(contract: Contract, validator: Validator): Promise<void> {
  const sides = [
    ['inputSchema', contract.inputSchema, 'exampleInput', contract.exampleInput],
    ['outputSchema', contract.outputSchema, 'exampleOutput', contract.exampleOutput],
  ] as const
  for (const [schemaField, schema, exampleField, example] of sides) {
    refuse(schemaField, checkSchema(schema))
    if (example == null) continue
    if (JSON.stringify(example).length > LIMITS.exampleChars)
      refuse(exampleField, [{ path: '', message: `may have ${LIMITS.exampleChars} characters of JSON at most` }])
    refuse(exampleField, await validator.validate(schema, example))
  }
}

function refuse(field: keyof Contract, faults: readonly SchemaFault[]): void {
  const [first] = faults
  if (!first) return
  const where = (path: string) => (path === '' ? '' : ` at ${path}`)
  const details: RefusalDetails = {
    field,
    problem: `is not acceptable${where(first.path)}: ${first.message}`,
    errors: faults.map(({ path, message }) => `${field}${path}: ${message}`),
  }
  throw catalogRefusals.service_invalid(details)
}
