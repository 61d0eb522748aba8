export type { AlertMessage, NamedEnd, Severity, TrendPoint } from './alert-message.js';
