import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  alertByIdStatement,
  alertCountStatement,
  alertRulesStatement,
  alertsStatement,
  silenceByIdStatement,
  silencesStatement,
} from './alert.read-model.js';
import { citedVersionsStatement } from './changed-since.read-model.js';
import { collectorsStatement } from './collector.read-model.js';
import {
  conservationCountStatement,
  conservationStatement,
  conservationTotalsStatement,
} from './conservation.read-model.js';
import { countedDropsStatement } from './counted-drop.read-model.js';
import {
  deliveriesStatement,
  deliveryAttemptsStatement,
  deliveryByIdStatement,
  deliveryCountStatement,
} from './delivery.read-model.js';
import {
  dropCountStatement,
  dropsByGroupStatement,
  dropsByIdStatement,
  dropsStatement,
  explanationsStatement,
  latestDropsStatement,
  observedDropsStatement,
} from './drop.read-model.js';
import {
  fewGroupsStatement,
  groupCountStatement,
  groupsByIdStatement,
  groupsStatement,
} from './drop-group.read-model.js';
import { flowCountStatement, flowsStatement } from './flow.read-model.js';
import { channelsStatement, lossesStatement } from './loss.read-model.js';
import { rulesetsStatement } from './chain-rule.read-model.js';
import {
  policiesByKeyStatement,
  policiesStatement,
  policyCountStatement,
  policyVersionsStatement,
} from './policy.read-model.js';
import { workloadCountStatement, workloadsByKeyStatement, workloadsStatement } from './workload.read-model.js';
import {
  blockedPairsStatement,
  seenPairsStatement,
  worldStatement,
  worldVersionStatement,
} from './world.read-model.js';
import type { Statement } from './reader.js';
import { findingCountStatement, findingsStatement } from './reconciliation.read-model.js';
import { rejectCountStatement, rejectsStatement } from './reject.read-model.js';
import { togetherStatement } from './together.js';
import { keptLevelsStatement, seenStatement, seriesStatement, topBlockedStatement } from './trend.read-model.js';

// The SQL of every read model stands in sql/, so that a change of it is seen in review. UPDATE=1 writes it anew.
const FOLDER = path.join(import.meta.dirname, 'sql');

const range = { from: 1_795_214_415_576_068, to: 1_795_218_015_000_000 };
const open = { from: 1_795_214_415_000_000, to: undefined };
const page = { first: 50, descending: true, after: undefined };
const DAY = 86_400_000_000;
const days = { level: 'day', step: DAY, from: 1_795_132_800_000_000, to: 1_795_219_200_000_000 } as const;
const next = { ...page, after: ['1795214415576068', 'abc'] };
const nextOfThree = { ...page, after: ['1795214415576068', '17', '3'] };
const dropped = { cluster: { eq: 'c' }, verdict: { in: ['dropped', 'rejected'] } };
const everything = {
  cluster: { eq: 'c' },
  namespace: { in: ['a', 'b'], nin: ['c'] },
  workload: { contains: 'web' },
  policy: { eq: 'dev/policy1' },
  port: { gte: 1, lt: 1024 },
  protocol: { neq: 'tcp' },
  direction: { isNull: false },
  or: [{ cause: { eq: 'PORT_CLOSED' } }, { not: { verdict: { eq: 'dropped' }, and: [{ node: { startsWith: 'n' } }] } }],
};

const statements: Readonly<Record<string, Statement>> = {
  'alerts-first-page': alertsStatement({}, page),
  'alerts-next-page-everything': alertsStatement(
    {
      ids: ['a'],
      range,
      condition: {
        state: { in: ['firing'] },
        cluster: { eq: 'c' },
        policy: { eq: 'NetworkPolicy/dev/p' },
        or: [{ namespace: { eq: 'dev' } }, { not: { severity: { eq: 'info' } } }],
      },
    },
    next,
  ),
  'alerts-count': alertCountStatement({ condition: { state: { in: ['firing'] } } }),
  'alerts-by-id': alertByIdStatement('a'),
  'alert-rules': alertRulesStatement(),
  'alert-rules-by-id': alertRulesStatement('a'),
  silences: silencesStatement(range.from),
  'silences-by-id': silenceByIdStatement('a'),
  'cited-versions': citedVersionsStatement(['d1', 'd2']),
  'drops-first-page': dropsStatement(range, {}, page),
  'drops-without-evidence': dropsStatement(range, {}, page, false),
  'drops-next-page-everything': dropsStatement(open, everything, next),
  'drops-of-addresses': dropsStatement(
    range,
    { address: { within: '10.0.0.0/8' }, sentence: { containsIgnoreCase: 'x' } },
    page,
  ),
  'drops-count': dropCountStatement(range, { basis: { eq: 'observed' } }),
  'drops-by-id': dropsByIdStatement(['a']),
  'drops-observed': observedDropsStatement(['a'], { namespace: { eq: 'dev' } }),
  'drops-latest-of-groups': latestDropsStatement(['a']),
  explanations: explanationsStatement(['a']),
  'groups-first-page': groupsStatement(range, {}, 'lastSeenAt', page),
  'groups-next-page-by-drops': groupsStatement(open, everything, 'drops', {
    ...next,
    after: ['17', 'abc'],
    descending: false,
  }),
  'groups-count': groupCountStatement(range, {}),
  'groups-by-id': groupsByIdStatement(['a']),
  'flows-next-page': flowsStatement(
    range,
    { unreplied: { eq: true }, address: { eq: '10.0.0.1' }, protocol: { in: ['TCP', 'udp'] } },
    nextOfThree,
  ),
  'flows-count': flowCountStatement(range, { port: { eq: 80 } }),
  'rejects-next-page': rejectsStatement(range, { reason: { eq: 'TRUNCATED' } }, nextOfThree),
  'rejects-count': rejectCountStatement(range, {}),
  'counted-drops': countedDropsStatement(range, { cluster: 'c', node: undefined, all: false }, 100),
  'counted-drops-all-of-a-node': countedDropsStatement(open, { cluster: undefined, node: 'n1', all: true }, 100),
  'conservation-next-page': conservationStatement(
    range,
    { node: { eq: 'n1' }, policy: { eq: 'dev/policy1' }, hasExcess: { eq: true } },
    next,
  ),
  'conservation-count': conservationCountStatement(open, { chain: { eq: 'FORWARD' } }),
  'conservation-by-rule': conservationTotalsStatement(range, {}, 'rule', 100),
  'conservation-by-policy': conservationTotalsStatement(open, { cluster: { eq: 'c' } }, 'policy', 100),
  'conservation-by-node': conservationTotalsStatement(range, {}, 'node', 100),
  'findings-next-page': findingsStatement(
    range,
    { node: { eq: 'n1' }, kind: { in: ['NODE_ALLOWS'] }, policy: { eq: 'dev/policy1' }, open: { eq: true } },
    next,
  ),
  'findings-count': findingCountStatement(open, { namespace: { eq: 'dev' } }),
  'deliveries-first-page': deliveriesStatement({}, page),
  'deliveries-next-page-everything': deliveriesStatement(
    { range, condition: { receiver: { eq: 'on-call' }, alertId: { eq: 'a' }, or: [{ state: { in: ['dead'] } }] } },
    { ...page, after: ['1795214415576068', '17'] },
  ),
  'deliveries-count': deliveryCountStatement({ condition: { receiver: { eq: 'on-call' } } }),
  'deliveries-by-id': deliveryByIdStatement('17'),
  'delivery-attempts': deliveryAttemptsStatement(['17', '18']),
  'trend-of-everything': seriesStatement({ ...days, groupBy: [], condition: {} }),
  'trend-top-policies': seriesStatement({
    ...days,
    step: 7 * DAY,
    groupBy: ['policy', 'cause'],
    condition: everything,
    top: 10,
  }),
  'trend-of-slices': seriesStatement({
    ...days,
    groupBy: ['policy'],
    condition: { cluster: { eq: 'c' }, verdict: { in: ['dropped'] } },
    top: 10,
  }),
  'trend-of-known-series': seriesStatement({ ...days, groupBy: ['sourceWorkload'], condition: {}, keys: [['dev/a']] }),
  'top-blocked': topBlockedStatement(days, ['namespace'], { port: { eq: 80 } }, 10),
  'seen-minutes': seenStatement(days.from, days.to, [''], 'c'),
  'kept-levels': keptLevelsStatement(),
  'chain-rules': rulesetsStatement('c', ['n1'], range.to),
  'policies-next-page': policiesStatement(
    { namespace: { eq: 'dev' }, deleted: { eq: false } },
    { ...page, after: ['k'] },
  ),
  'policies-count': policyCountStatement({}),
  'policies-by-key': policiesByKeyStatement(['k']),
  'policies-versions': policyVersionsStatement(['k']),
  'workloads-next-page': workloadsStatement(range, { namespace: { eq: 'dev' } }, { ...page, after: ['k'] }),
  'workloads-count': workloadCountStatement(open, {}),
  'workloads-by-key': workloadsByKeyStatement(['k']),
  'drops-of-two-policies': togetherStatement([
    dropsByGroupStatement(range, { ...dropped, policy: { eq: 'NetworkPolicy/dev/a' } }, next),
    dropsByGroupStatement(range, { ...dropped, policy: { eq: 'NetworkPolicy/dev/b' } }, next),
  ]),
  'drops-by-group': dropsByGroupStatement(open, dropped, page, false),
  'groups-of-a-policy': fewGroupsStatement(range, { policy: { eq: 'GlobalNetworkPolicy//a' } }, 'lastSeenAt', next),
  world: worldStatement('c', range.to),
  'world-version': worldVersionStatement('c'),
  'world-seen-pairs': seenPairsStatement('c', range),
  'world-blocked-pairs': blockedPairsStatement('c', open),
  collectors: collectorsStatement({ cluster: { eq: 'c' } }),
  'collector-losses': lossesStatement({ cluster: { eq: 'c' } }),
  'collector-channels': channelsStatement({ cluster: { eq: 'c' } }),
};

const shown = (value: unknown) => JSON.stringify(value) ?? 'null';

it.each(Object.entries(statements))('%s.sql', (name, { text, values }) => {
  const file = path.join(FOLDER, `${name}.sql`);
  const parameters = values.map((value, i) => `-- $${i + 1} = ${shown(value)}\n`).join('');
  const sql = `${parameters}${text.trim()}\n`;
  if (process.env['UPDATE'] === '1') {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(file, sql);
  }
  expect(readFileSync(file, 'utf8')).toBe(sql);
});

it('no value of a filter is part of the text', () => {
  const evil = `'); DROP TABLE drop_group; --`;
  const match = {
    eq: evil,
    neq: evil,
    in: [evil],
    nin: [evil],
    contains: evil,
    containsIgnoreCase: evil,
    startsWith: evil,
  };
  const condition = {
    cluster: match,
    policy: match,
    sentence: match,
    or: [{ workload: match }],
    not: { policyKind: match },
  };
  const { text, values } = dropsStatement(range, condition, next);
  expect(text).not.toContain('DROP TABLE');
  expect(values.flat().filter((value) => value === evil).length).toBe(35);
});
