import type { AlertRule } from './rule.js';
import { parseRule } from './rule-schema.js';

const WRITTEN: readonly object[] = [
  { name: 'BlockedSpike', kind: 'SPIKE', severity: 'warning' },
  {
    // Where drops are only counted, not logged with addresses, their spike is seen here.
    name: 'CountedSpike',
    kind: 'SPIKE',
    severity: 'warning',
    measure: 'counted',
    minEvents: 30,
    coldEvents: 150,
    floor: 3,
    inhibitedBy: [{ rule: 'BlockedSpike', equal: [] }],
  },
  { name: 'NewPair', kind: 'NEW_PAIR', severity: 'info', enabled: false },
  { name: 'CollectorGap', kind: 'COLLECTOR_GAP', severity: 'warning' },
  { name: 'Drift', kind: 'DRIFT', severity: 'warning', for: '5m' },
];

/** Rules that every installation has from the start; a rule of the same name in a file or by the API takes their place. */
export function defaultRules(): readonly AlertRule[] {
  return WRITTEN.map((written) => {
    const parsed = parseRule(written);
    if (parsed.kind === 'problems') throw new Error(`a default rule is wrong: ${parsed.problems[0]?.message}`);
    return parsed.rule;
  });
}
