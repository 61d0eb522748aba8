export { conditionSql, type Condition, type Match } from './condition.js';
export * from './collector.read-model.js';
export * from './counted-drop.read-model.js';
export * from './drop.read-model.js';
export * from './drop-group.read-model.js';
export * from './flow.read-model.js';
export { COUNT_LIMIT, isSortKey, type PageRequest, type SortColumn, type TimeRange } from './page.js';
export { isTimeout, openReader, type Reader, type ReaderOptions, type Statement } from './reader.js';
export * from './reject.read-model.js';
