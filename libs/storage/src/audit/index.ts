export {
  AUDIT_SORT,
  auditCountStatement,
  auditedRow,
  auditStatement,
  readAudit,
  recordChange,
  type AuditedTable,
  type AuditRow,
} from './audit.store.js';
