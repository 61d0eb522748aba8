import type { Condition, FieldSql } from './condition.js';

/** How collectors are asked for. */
export const COLLECTOR_FIELDS = {
  cluster: { type: 'text', any: ['c.name'] },
  node: { type: 'text', any: ['e.node'] },
} satisfies Record<string, FieldSql>;

export type CollectorCondition = Condition<keyof typeof COLLECTOR_FIELDS>;
