import { createToken, evaluateAlerts, syncRules } from '@whydrop/storage';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';

const T0 = Date.UTC(2026, 10, 20, 14, 0) * 1000;

let db: OpenTestDatabase;
let api: RunningApi;
let admin: string;
let viewer: string;

/** A quiet cluster, and a minute in which one policy blocks a hundred connections. */
async function spike(): Promise<void> {
  await db.pool.query(`INSERT INTO cluster (id, name) VALUES (1, 'lab')`);
  await db.pool.query(
    `INSERT INTO drop_group (id, cluster_id, verdict, cause, direction, basis, protocol, destination_port, source_kind, source_namespace,
       source_name, destination_kind, destination_namespace, destination_name, node, policies, first_seen_at, last_seen_at, drops,
       attempts, packets, explanation_id)
     VALUES ('g', 1, 'dropped', 'POLICY_DEFAULT_DENY', 'ingress', 'observed', 'TCP', 80, 'Deployment', 'dev', 'client', 'Deployment',
       'dev', 'db', 'n1', '{NetworkPolicy/dev/policy1}', $1, $1, 100, 100, 100, 'e')`,
    [new Date(T0 / 1000)],
  );
  await db.pool.query(`INSERT INTO drop_minute VALUES ($1, 'g', 1, 100, 100, 100, 0)`, [new Date(T0 / 1000)]);
  for (const node of ['', 'n1'])
    await db.pool.query(
      `INSERT INTO seen_day VALUES (1, $1, '2026-11-20', (repeat('1', 900) || repeat('0', 540))::bit(1440))`,
      [node],
    );
}

beforeAll(async () => {
  db = await openTestDatabase();
  await spike();
  await syncRules(db, []);
  await evaluateAlerts(db, T0 + 30_000_000);
  admin = (await createToken(db, { name: 'kim', role: 'admin' })).text;
  viewer = (await createToken(db, { name: 'reader', role: 'viewer' })).text;
  const now = () => T0 / 1000 + 40_000;
  api = await openTestApi(db, { now });
});

afterAll(async () => {
  await api.close();
  await db.drop();
});

interface RuleAnswer {
  readonly id: string;
  readonly name: string;
  readonly specification: string;
}

interface Answer {
  readonly alertRule: RuleAnswer;
  readonly silence: { readonly id: string } | null;
  readonly userErrors: readonly object[];
}

async function ask(query: string, variables: object = {}, token = admin) {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as {
    data: Record<string, Answer> | null;
    errors?: { extensions: { code: string } }[];
  };
}

it('alerts are asked for with what is behind them', async () => {
  const { data, errors } = await ask(
    `{ alerts(filter: {states: [FIRING], policy: "NetworkPolicy/dev/policy1"}) { totalCount nodes { rule kind state severity cluster
       labels { name value } cause policies value expected baseline { state } notified topSources { end { name } drops }
       startsAt path } } }`,
    {},
    viewer,
  );
  expect(errors).toBeUndefined();
  expect(data?.['alerts']).toEqual({
    totalCount: 1,
    nodes: [
      {
        rule: 'BlockedSpike',
        kind: 'SPIKE',
        state: 'FIRING',
        severity: 'WARNING',
        cluster: 'lab',
        labels: [
          { name: 'cause', value: 'POLICY_DEFAULT_DENY' },
          { name: 'policy', value: 'NetworkPolicy/dev/policy1' },
        ],
        cause: 'POLICY_DEFAULT_DENY',
        policies: ['NetworkPolicy/dev/policy1'],
        value: 100,
        expected: 1,
        baseline: { state: 'READY' },
        notified: true,
        topSources: [{ end: { name: 'client' }, drops: 100 }],
        startsAt: '2026-11-20T14:00:00Z',
        path: '/?group=g',
      },
    ],
  });
});

it.each([
  ['{}', 1],
  ['{states: [PENDING]}', 0],
  ['{severities: [WARNING], cluster: "lab", rule: "BlockedSpike"}', 1],
  ['{cluster: "other"}', 0],
  ['{state: {eq: FIRING}, severity: {neq: WARNING}}', 0],
  ['{state: {nin: [PENDING, RESOLVED]}, kind: {in: [SPIKE]}}', 1],
  ['{and: [{cluster: {startsWith: "la"}}, {rule: {eq: "BlockedSpike"}}]}', 1],
  ['{or: [{rule: {eq: "no"}}, {policy: {eq: "dev/policy1"}}]}', 1],
  ['{or: []}', 0],
  ['{not: {policy: {contains: "policy1"}}}', 0],
  ['{not: {cause: {eq: PORT_CLOSED}}, notified: {eq: true}}', 1],
  ['{states: [FIRING], and: [{not: {or: [{severity: {eq: INFO}}, {cluster: {eq: "lab"}}]}}]}', 0],
])('alerts by %s', async (filter, count) => {
  const { data, errors } = await ask(`{ alerts(filter: ${filter}) { totalCount nodes { rule } } }`, {}, viewer);
  expect([errors, data?.['alerts']]).toMatchObject([undefined, { totalCount: count }]);
});

it('a filter that is nested too deep is refused', async () => {
  const deep = `${'{not: '.repeat(30)}{}${'}'.repeat(30)}`;
  expect((await ask(`{ alerts(filter: ${deep}) { totalCount } }`)).errors).toMatchObject([
    { extensions: { code: 'BAD_USER_INPUT' } },
  ]);
});

it('an alert about a policy of dev is told to dev as it is, and to nobody else with a namespace', async () => {
  const list =
    '{ alerts { totalCount nodes { rule summary sentence policies topSources { end { name } drops } path } } }';
  const as = async (...namespaces: readonly string[]) => {
    const { text } = await createToken(db, { name: namespaces.join(), role: 'viewer', namespaces });
    return (await ask(list, {}, text)).data?.['alerts'];
  };
  expect(await as('dev', 'qa')).toEqual((await ask(list, {}, viewer)).data?.['alerts']);
  expect(await as('qa')).toEqual({ totalCount: 0, nodes: [] });
});

const CREATE = `mutation ($input: AlertRuleInput!) { createAlertRule(input: $input) { alertRule { id name source groupBy specification }
  userErrors { path code message } } }`;

it('a rule is made, changed, switched off and removed', async () => {
  const input = {
    name: 'TooMany',
    kind: 'THRESHOLD',
    threshold: 100,
    window: '10m',
    groupBy: ['DESTINATION_WORKLOAD'],
  };
  const created = (await ask(CREATE, { input })).data?.['createAlertRule'];
  expect(created).toMatchObject({
    alertRule: { name: 'TooMany', source: 'API', groupBy: ['DESTINATION_WORKLOAD'] },
    userErrors: [],
  });
  expect(JSON.parse(created?.alertRule.specification ?? '')).toMatchObject({
    threshold: 100,
    window: '10m',
    suppress: { icmp: true },
  });
  const id = created?.alertRule.id;
  const update = `mutation ($id: ID!, $input: AlertRuleInput!) { updateAlertRule(id: $id, input: $input) { alertRule { revision } userErrors { code } } }`;
  expect((await ask(update, { id, input: { ...input, threshold: 5 } })).data?.['updateAlertRule']?.alertRule).toEqual({
    revision: 2,
  });
  const off = `mutation ($id: ID!) { enableAlertRule(id: $id, enabled: false) { alertRule { enabled } userErrors { code } } }`;
  expect((await ask(off, { id })).data?.['enableAlertRule']?.alertRule).toEqual({ enabled: false });
  const remove = `mutation ($id: ID!) { deleteAlertRule(id: $id) { userErrors { code } } }`;
  expect((await ask(remove, { id })).data?.['deleteAlertRule']?.userErrors).toEqual([]);
  expect((await ask(remove, { id })).data?.['deleteAlertRule']?.userErrors).toEqual([{ code: 'NOT_FOUND' }]);
});

it.each([
  [{ name: 'x y', kind: 'SPIKE' }, ['input', 'name'], /letters, digits/],
  [{ name: 'X', kind: 'THRESHOLD' }, ['input', 'threshold'], /expected number/],
  [{ name: 'X', kind: 'SPIKE', for: 'soon' }, ['input', 'for'], /'soon' is no duration/],
  [{ name: 'X', kind: 'SPIKE', threshold: 3 }, ['input'], /threshold/],
  [{ name: 'X', kind: 'SPIKE', odd: 4, of: 3 }, ['input', 'odd'], /more odd minutes/],
])('a rule that is wrong is refused with its place: %j', async (input, path, message) => {
  const { userErrors } = (await ask(CREATE, { input })).data?.['createAlertRule'] ?? {};
  expect(userErrors).toMatchObject([{ path, code: 'INVALID', message: expect.stringMatching(message) }]);
});

it('a name is taken once, and what was shipped is only switched', async () => {
  const taken = (await ask(CREATE, { input: { name: 'BlockedSpike', kind: 'SPIKE' } })).data?.['createAlertRule'];
  expect(taken?.userErrors).toMatchObject([{ code: 'TAKEN', path: ['input', 'name'] }]);
  const rules = (await ask('{ alertRules { id name source enabled firing } }')).data?.[
    'alertRules'
  ] as unknown as readonly RuleAnswer[];
  const spikeRule = rules.find(({ name }) => name === 'BlockedSpike');
  expect(spikeRule).toMatchObject({ source: 'SHIPPED', enabled: true, firing: 1 });
  const remove = `mutation ($id: ID!) { deleteAlertRule(id: $id) { userErrors { code message } } }`;
  expect((await ask(remove, { id: spikeRule?.id })).data?.['deleteAlertRule']?.userErrors).toMatchObject([
    { code: 'CONFLICT' },
  ]);
});

const SILENCE = `mutation ($input: CreateSilenceInput!) { createSilence(input: $input) { silence { id author startsAt endsAt } userErrors { path message } } }`;

it('a silence has an author, a reason and an end, and can be ended', async () => {
  const input = {
    matchers: [{ name: 'policy', value: '.*/dev/.*', isRegex: true }],
    comment: 'roll-out',
    duration: 'PT2H',
  };
  const { silence, userErrors } = (await ask(SILENCE, { input })).data?.['createSilence'] ?? {};
  expect(userErrors).toEqual([]);
  expect(silence).toMatchObject({ author: 'kim', startsAt: '2026-11-20T14:00:40Z', endsAt: '2026-11-20T16:00:40Z' });
  const end = `mutation ($id: ID!) { expireSilence(id: $id) { silence { endsAt } userErrors { code } } }`;
  expect((await ask(end, { id: silence?.id })).data?.['expireSilence']?.silence).toEqual({
    endsAt: '2026-11-20T14:00:40Z',
  });
  expect((await ask(end, { id: silence?.id })).data?.['expireSilence']?.userErrors).toEqual([{ code: 'NOT_FOUND' }]);
});

it.each([
  [{ matchers: [] }, /at least one/],
  [{ matchers: [{ name: 'policy', value: '.*', isRegex: true }] }, /match every alert/],
  [{ matchers: [{ name: 'policy', value: '(', isRegex: true }] }, /Unterminated group/],
  [{ duration: undefined }, /give endsAt or duration/],
  [{ comment: ' ' }, /say why/],
])('a silence that is wrong is refused: %j', async (part, message) => {
  const input = { matchers: [{ name: 'node', value: 'n1' }], comment: 'c', duration: 'PT1H', ...part };
  const { silence, userErrors } = (await ask(SILENCE, { input })).data?.['createSilence'] ?? {};
  expect(silence).toBeNull();
  expect(userErrors).toMatchObject([{ message: expect.stringMatching(message) }]);
});

it('only an admin changes anything', async () => {
  for (const [query, variables] of [
    [CREATE, { input: { name: 'X', kind: 'SPIKE' } }],
    [SILENCE, { input: { matchers: [{ name: 'node', value: 'n1' }], comment: 'c', duration: 'PT1H' } }],
    ['mutation { enableAlertRule(id: "x", enabled: true) { userErrors { code } } }', {}],
    ['mutation { deleteAlertRule(id: "x") { userErrors { code } } }', {}],
    ['mutation { expireSilence(id: "x") { userErrors { code } } }', {}],
    ['mutation { updateAlertRule(id: "x", input: {name: "X", kind: SPIKE}) { userErrors { code } } }', {}],
  ] as const)
    expect((await ask(query, variables, viewer)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
});
