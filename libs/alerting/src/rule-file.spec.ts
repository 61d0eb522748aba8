import fc from 'fast-check';
import { defaultRules } from './default-rules.js';
import { formatDuration, parseDuration } from './duration.js';
import { readRuleFile } from './rule-file.js';
import { parseRule, writeRule } from './rule-schema.js';

it('a file of rules, everything but name and kind with its usual value', () => {
  const read = readRuleFile(
    `version: 1
rules:
  - name: PaymentsBlocked
    kind: THRESHOLD
    severity: critical
    threshold: 20
    window: 5m
    filter: { namespaces: [payments] }
    receivers: [pager]
`,
    'alerts.yaml',
  );
  expect(read).toMatchObject({
    kind: 'rules',
    rules: [
      {
        name: 'PaymentsBlocked',
        window: 300_000_000,
        groupBy: ['policies', 'cause'],
        suppress: { icmp: true },
        enabled: true,
      },
    ],
  });
});

it.each([
  ['rules: []', 'alerts.yaml:1: version: 1 is missing'],
  ['version: 1\nrule: []', "alerts.yaml:2: 'rule' is not known"],
  ['version: 1\nrules: 3', 'alerts.yaml:2: rules: is not a list'],
  ['version: 1\nrules:\n  - name: A\n    kind: SPIKE\n    for: soon', /^alerts.yaml:5: for: 'soon' is no duration/],
  ['version: 1\nrules:\n  - name: A\n    kind: SPIKES', /^alerts.yaml:4: kind: /],
  ['version: 1\nrules:\n  - name: A\n    kind: SPIKE\n    trehshold: 3', /^alerts.yaml:3: .*trehshold/],
  [
    'version: 1\nrules:\n  - name: A\n    kind: DRIFT\n  - name: A\n    kind: DRIFT',
    'alerts.yaml:5: there is a rule A already',
  ],
  ['version: 1\nrules:\n  - [', /^alerts.yaml:\d: /],
  [
    'version: 1\nrules:\n  - name: A\n    kind: SPIKE\n    filter:\n      ports: [80, 99999]',
    /^alerts.yaml:6: filter.ports.1: /,
  ],
  ['', 'alerts.yaml:1: version: 1 is missing'],
])('%j is refused with its line', (text, message) => {
  const read = readRuleFile(text, 'alerts.yaml');
  const [first] = read.kind === 'errors' ? read.errors : [];
  if (typeof message === 'string') expect(first).toBe(message);
  else expect(first).toMatch(message);
});

it('what is written is read back', () => {
  for (const rule of defaultRules()) expect(parseRule(writeRule(rule))).toEqual({ kind: 'rule', rule });
});

it('durations are read back as they are written', () => {
  fc.assert(
    fc.property(fc.nat(900_000), (seconds) => {
      expect(parseDuration(formatDuration(seconds * 1e6))).toBe(seconds * 1e6);
    }),
  );
  expect(['90s', '1h30m', 'PT5M', 'P1DT1S', '0s', '0'].map(parseDuration)).toEqual([
    90e6, 5400e6, 300e6, 86_401e6, 0, 0,
  ]);
  expect(['', 'P', '5', 'm', '-1m', '1.5h'].map(parseDuration)).toEqual(Array.from({ length: 6 }, () => undefined));
});
