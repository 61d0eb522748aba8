export {
  AUDIT_SORT,
  AUDITED,
  auditCountStatement,
  auditedRow,
  auditStatement,
  readAudit,
  recordChange,
  type AuditedTable,
  type AuditRow,
} from './audit.store.js';
export { inOneChange, readerOf, type Writer } from './writer.js';
