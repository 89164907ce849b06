export { DIRECT, type DirectDeps, directForm, type Hire, hireEach, openHires, promotionSweep } from './direct.ts'
export { directRefusals } from './errors.ts'
export { type AgreedSchemas, createAgreedSchemas } from './schemas.ts'
export { type DirectSettings, directTerms } from './terms.ts'
