export { checkSchema } from './check-schema.ts'
export { schemaRefusals } from './errors.ts'
export type { SchemaFault } from './fault.ts'
export { createSchemaValidator, type SchemaValidator, type SchemaValidatorOptions } from './validator.ts'
