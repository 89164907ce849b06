export { type AuditDeps, auditBooks } from './audit.ts'
export type { AuditCheck, AuditReport, ChainReport, Difference, NetworkHoldings } from './report.ts'
export type { VerifyingKey } from './signatures.ts'
