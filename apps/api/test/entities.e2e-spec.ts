import { createToken } from '@whydrop/storage';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';
import { storeStory, T0 } from './story.js';

// Policies with their revisions, workloads, rules of nodes, and what would be: over a small cluster that is stored here.
let db: OpenTestDatabase;
let api: RunningApi;
let token: string;
const statements: string[] = [];

const MINUTE = 60_000_000;
const at = (minutes: number): string => new Date((T0 + minutes * MINUTE) / 1000).toISOString();

const pod = (name: string, ip: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'dev', uid: `uid-${name}`, labels: { app: name } },
  spec: { nodeName: 'cent333' },
  status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] },
});

const policy1 = (resourceVersion: string, ...apps: readonly string[]) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'policy1', namespace: 'dev', uid: 'p1', resourceVersion, managedFields: [{ manager: 'kubectl' }] },
  spec: {
    podSelector: { matchLabels: { app: 'webserver-dev' } },
    policyTypes: ['Ingress'],
    ingress: [
      {
        from: apps.map((app) => ({ podSelector: { matchLabels: { app } } })),
        ports: [{ port: 80, protocol: 'TCP' }],
      },
    ],
  },
});

interface Stored {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

async function storeObject(object: Stored, from: number, to?: number): Promise<void> {
  const { kind, metadata, apiVersion } = object;
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  await db.pool.query(
    `INSERT INTO object_version (cluster_id, api_group, kind, namespace, name, uid, resource_version, change, at, valid_from, valid_to,
       content_hash, object, batch_id)
     VALUES ((SELECT id FROM cluster WHERE name = 'lab'), $1, $2, $3, $4, $5, $6, 'STATE', $7, $7, $8, md5($9::text), $9::text::jsonb, 1)`,
    [
      group, kind, metadata.namespace ?? '', metadata.name, Reflect.get(metadata, 'uid') ?? null,
      Reflect.get(metadata, 'resourceVersion') ?? null, at(from), to === undefined ? null : at(to), JSON.stringify(object),
    ], // prettier-ignore
  );
}

async function storeNode(): Promise<void> {
  const { rows } = await db.pool.query<{ id: number }>(
    `INSERT INTO emitter (cluster_id, node) VALUES ((SELECT id FROM cluster WHERE name = 'lab'), 'cent333') RETURNING id`,
  );
  const emitter = rows[0]?.id;
  await db.pool.query(
    `INSERT INTO flow (observed_at, batch_id, line, emitter_id, event, protocol, state, unreplied, assured, source, destination,
       source_port, destination_port, reply_source, reply_destination, reply_source_port, reply_destination_port, original_key)
     SELECT $2::timestamptz + n * interval '1 second', 7, n, $1, 1, 6, 'ESTABLISHED', false, true, s::inet, '10.96.0.10', 41000 + n, 8000,
            '10.47.255.234', s::inet, 80, 41000 + n, n
     FROM (VALUES (1, '10.47.255.232'), (2, '10.47.255.232'), (3, '10.47.255.232'), (4, '192.0.2.1')) AS v (n, s)`,
    [emitter, at(0)],
  );
  const rule = { position: 1, isGoto: false, comments: ['a "comment"'] };
  const chains = [
    {
      name: 'FORWARD',
      policy: 'DROP',
      rules: [{ ...rule, text: '-A FORWARD -j cali-FORWARD', target: 'cali-FORWARD' }],
    },
    { name: 'cali-tw', rules: [{ ...rule, text: '-A cali-tw -j DROP', target: 'DROP' }] },
  ];
  await db.pool.query(`INSERT INTO ruleset VALUES ('h', $1)`, [JSON.stringify([{ name: 'filter', chains }])]);
  await db.pool.query(
    `INSERT INTO ruleset_snapshot VALUES ($2, $1, 'inet', 'nft', 1, 'h', false, '{7,420,11,660,-1,-1,3,180}')`,
    [emitter, at(0)],
  );
}

beforeAll(async () => {
  db = await openTestDatabase();
  await storeStory(db);
  for (const [name, ip] of [
    ['webserver-dev', '10.47.255.234'],
    ['client1-dev', '10.47.255.232'],
    ['client2-dev', '10.47.255.231'],
  ] as const) {
    await storeObject(pod(name, ip), -60);
  }
  await storeObject({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'dev' } }, -60);
  await storeObject(policy1('4711', 'client1-dev'), -30, 30);
  await storeObject(policy1('4800', 'client1-dev', 'client2-dev'), 30);
  await storeNode();
  token = (await createToken(db, { name: 'reader', role: 'viewer' })).text;
  const now = () => T0 / 1000 + 3_600_000;
  const onStatement = (text: string) => statements.push(text);
  api = await openTestApi(db, { now, onStatement });
});

afterAll(async () => {
  await api.close();
  await db.drop();
});

async function ask(query: string, variables: object = {}): Promise<unknown> {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: readonly { message: string }[] };
  return errors ? errors.map(({ message }) => message) : data;
}

const RANGE = '{from: "2026-11-20T00:00:00Z", to: "2026-11-21T00:00:00Z"}';

describe('policies', () => {
  const POLICIES = `{ policies(first: 5, filter: {namespace: {eq: "dev"}}) { totalCount nodes { id kind namespace name resourceVersion deletedAt
    manifest revisions { resourceVersion validFrom validTo } drops(first: 5, timeRange: ${RANGE}) { totalCount nodes { key } }
    dropGroups(timeRange: ${RANGE}) { totalCount } findings(timeRange: ${RANGE}) { totalCount }
    diff { patch operations { op path before after } from { resourceVersion } to { resourceVersion } } } } }`;

  it('are shown with what they did, what they were, and what changed', async () => {
    const answer = (await ask(POLICIES)) as { policies: { nodes: readonly { id: string; manifest: string }[] } };
    expect(answer).toMatchObject({
      policies: {
        totalCount: 1,
        nodes: [
          {
            kind: 'NetworkPolicy',
            name: 'policy1',
            resourceVersion: '4800',
            deletedAt: null,
            revisions: [
              { resourceVersion: '4711', validTo: expect.any(String) },
              { resourceVersion: '4800', validTo: null },
            ],
            drops: { totalCount: expect.any(Number) },
            findings: { totalCount: 0 },
            diff: {
              patch:
                '- op: add\n  path: /spec/ingress/0/from/1\n  value:\n    podSelector:\n      matchLabels:\n        app: client2-dev\n',
              operations: [{ op: 'ADD', path: '/spec/ingress/0/from/1', before: null }],
            },
          },
        ],
      },
    });
    expect(answer.policies.nodes[0]?.manifest).not.toContain('managedFields');
    const id = answer.policies.nodes[0]?.id;
    expect(
      await ask('query ($id: ID!) { node(id: $id) { id ... on Policy { name } } policy(id: $id) { name } }', { id }),
    ).toEqual({
      node: { id, name: 'policy1' },
      policy: { name: 'policy1' },
    });
  });

  it('nodes: what the ids name, in their order; null for what is not there', async () => {
    const { policies } = (await ask('{ policies(first: 1) { nodes { id } } }')) as {
      policies: { nodes: readonly { id: string }[] };
    };
    const id = policies.nodes[0]?.id;
    const answer = await ask('query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }', { ids: ['nothing', id] });
    expect(answer).toEqual({ nodes: [null, { __typename: 'Policy', id }] });
  });

  it('the drops of a policy are those that name it', async () => {
    const all = await ask(`{ drops(filter: {timeRange: ${RANGE}, policy: {eq: "dev/policy1"}}) { totalCount } }`);
    const own = await ask(`{ policies { nodes { drops(timeRange: ${RANGE}) { totalCount } } } }`);
    const { drops } = all as { drops: { totalCount: number } };
    expect(drops.totalCount).toBeGreaterThan(0);
    expect(own).toEqual({ policies: { nodes: [{ drops: { totalCount: drops.totalCount } }] } });
  });

  it('a revision of another policy is refused', async () => {
    expect(await ask('{ policies { nodes { diff(from: "999999") { patch } } } }')).toEqual([
      'diff: 999999 is no revision of this policy',
    ]);
  });

  it('revisions of many policies come with one statement', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      const { metadata, ...rest } = policy1('1', 'x');
      await storeObject({ ...rest, metadata: { ...metadata, name, namespace: 'more' } as never }, -30);
    }
    statements.length = 0;
    await ask('{ policies { nodes { name revisions { id } diff { patch } } } }');
    expect(statements).toHaveLength(2);
  });
});

it('workloads: who could not reach whom', async () => {
  const query = `{ workloads(first: 10, filter: {timeRange: ${RANGE}, namespace: {eq: "dev"}}) { totalCount nodes { id name dropsTo dropsFrom
    blockedTo(first: 10, timeRange: ${RANGE}) { nodes { key destination { name } } } blockedFrom(first: 10, timeRange: ${RANGE}) { nodes { key source { name } } } } } }`;
  interface Workload {
    readonly id: string;
    readonly name: string;
    readonly dropsTo: string;
    readonly dropsFrom: string;
    readonly blockedTo: { readonly nodes: readonly { readonly key: string }[] };
    readonly blockedFrom: { readonly nodes: readonly { readonly key: string }[] };
  }
  const { workloads } = (await ask(query)) as { workloads: { nodes: readonly Workload[] } };
  const client = workloads.nodes.find(({ name }) => name === 'client2-dev');
  const server = workloads.nodes.find(({ name }) => name === 'webserver-dev');
  expect(Number(client?.dropsTo)).toBeGreaterThan(0);
  expect(Number(server?.dropsFrom)).toBeGreaterThan(0);
  expect(client?.blockedTo.nodes.length).toBeGreaterThan(0);
  const received = server?.blockedFrom.nodes.map(({ key }) => key) ?? [];
  expect(client?.blockedTo.nodes.some(({ key }) => received.includes(key))).toBe(true);
  const node = await ask('query ($id: ID!) { node(id: $id) { ... on BlockedWorkload { name dropsTo } } }', {
    id: client?.id,
  });
  expect(node).toEqual({ node: { name: 'client2-dev', dropsTo: client?.dropsTo } });
});

it('chainRules: rules of a node with their counters, page by page', async () => {
  const query = `query ($after: String) { chainRules(filter: {cluster: "lab", nodes: ["cent333"]}, first: 2, after: $after) {
    totalCount nodes { table chain position text target packets bytes } pageInfo { hasNextPage endCursor } } }`;
  type Answer = { chainRules: { nodes: readonly object[]; pageInfo: { endCursor: string } } };
  const first = (await ask(query)) as Answer;
  expect(first).toMatchObject({
    chainRules: {
      totalCount: 3,
      nodes: [
        { table: 'filter', chain: 'FORWARD', position: 1, packets: '11', bytes: '660' },
        { chain: 'FORWARD', position: null, text: ':FORWARD DROP', target: 'DROP', packets: '7', bytes: '420' },
      ],
      pageInfo: { hasNextPage: true },
    },
  });
  expect(await ask(query, { after: first.chainRules.pageInfo.endCursor })).toMatchObject({
    chainRules: { nodes: [{ text: '-A cali-tw -j DROP', packets: '3' }], pageInfo: { hasNextPage: false } },
  });
  const drops = '{ chainRules(filter: {cluster: "lab", nodes: ["cent333"], drops: true}) { nodes { chain } } }';
  expect(await ask(drops)).toEqual({ chainRules: { nodes: [{ chain: 'FORWARD' }, { chain: 'cali-tw' }] } });
  const composed = drops.replace('drops: true', 'drops: true, not: {chain: {eq: "FORWARD"}}');
  expect(await ask(composed)).toEqual({ chainRules: { nodes: [{ chain: 'cali-tw' }] } });
});

const EXPLAIN = `query ($from: String!, $to: String!, $at: DateTime, $port: Int, $new: String, $without: [ID!]) {
  explain(cluster: "lab", from: $from, to: $to, port: $port, at: $at, proposedManifests: $new, without: $without) {
    verdict direction withoutProposal reason ingress { isolatedBy { name } misses { failed { wanted got } } } fix { patch } } }`;
const CLIENT2 = { from: 'dev/client2-dev', to: 'dev/webserver-dev', port: 80 };
const DENY_ALL = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny-all, namespace: dev}
spec: {podSelector: {}, policyTypes: [Ingress]}
`;

describe('explain', () => {
  it('says what the policies said then, and what they say now', async () => {
    expect(await ask(EXPLAIN, { ...CLIENT2, at: at(0) })).toMatchObject({
      explain: {
        verdict: 'DENIED',
        direction: 'INGRESS',
        withoutProposal: null,
        ingress: { isolatedBy: [{ name: 'policy1' }], misses: [{ failed: [{ got: 'app=client2-dev' }] }] },
        fix: [{ patch: expect.stringContaining('client2-dev') }],
      },
    });
    expect(await ask(EXPLAIN, CLIENT2)).toMatchObject({ explain: { verdict: 'ALLOWED', direction: null } });
  });

  it('with what is proposed: another policy in the place of one that is, a new one, one that goes', async () => {
    const changed = JSON.stringify(policy1('', 'client1-dev'));
    expect(await ask(EXPLAIN, { ...CLIENT2, new: changed })).toMatchObject({
      explain: { verdict: 'DENIED', withoutProposal: 'ALLOWED' },
    });
    const other = { from: 'dev/webserver-dev', to: 'dev/client1-dev', port: 9 };
    expect(await ask(EXPLAIN, other)).toMatchObject({ explain: { verdict: 'ALLOWED' } });
    expect(await ask(EXPLAIN, { ...other, new: DENY_ALL })).toMatchObject({ explain: { verdict: 'DENIED' } });
    const { policies } = (await ask('{ policies(filter: {name: {eq: "policy1"}}) { nodes { id } } }')) as {
      policies: { nodes: readonly { id: string }[] };
    };
    expect(await ask(EXPLAIN, { ...CLIENT2, at: at(0), without: [policies.nodes[0]?.id] })).toMatchObject({
      explain: { verdict: 'ALLOWED', withoutProposal: 'DENIED' },
    });
  });

  it.each([
    [{ ...CLIENT2, from: 'dev/nobody' }, /^from: there was no pod, workload or service dev\/nobody then/],
    [
      { ...CLIENT2, new: 'kind: Pod\napiVersion: v1\nmetadata: {name: x}' },
      /^proposedManifests, line 1: Pod is no policy/,
    ],
    [{ ...CLIENT2, new: 'a: [b' }, /^proposedManifests, line 1: /],
    [{ ...CLIENT2, port: 99_999 }, /^port: must be/],
  ])('%j is refused with the reason', async (variables, reason) => {
    expect(await ask(EXPLAIN, variables)).toEqual([expect.stringMatching(reason)]);
  });

  it('a cluster of which nothing is stored is not found', async () => {
    expect(await ask('{ explain(cluster: "no", from: "a/b", to: "c/d") { verdict } }')).toEqual([
      expect.stringMatching(/^there is no cluster no/),
    ]);
  });
});

describe('wouldChange', () => {
  const QUERY = `query ($new: String!) { wouldChange(cluster: "lab", proposedManifests: $new, timeRange: ${RANGE}) {
    looked outside truncated changed { source destination port protocol before after connections reason } } }`;

  it('names the stored connections that a new policy would block', async () => {
    const answer = await ask(QUERY, { new: JSON.stringify(policy1('', 'nobody')) });
    expect(answer).toMatchObject({
      wouldChange: {
        truncated: false,
        changed: expect.arrayContaining([
          expect.objectContaining({
            source: 'dev/client1-dev',
            destination: 'dev/webserver-dev',
            port: 80,
            before: 'ALLOWED',
            after: 'DENIED',
            connections: 3,
          }),
        ]),
      },
    });
  });

  it('and those blocked ones that it would admit', async () => {
    const open = DENY_ALL.replace('deny-all', 'policy1').replace('[Ingress]}', '[Ingress], ingress: [{}]}');
    const { wouldChange } = (await ask(QUERY, { new: open })) as { wouldChange: { changed: readonly object[] } };
    expect(wouldChange.changed).toEqual(
      expect.arrayContaining([expect.objectContaining({ before: 'DENIED', after: 'ALLOWED' })]),
    );
  });

  it('nothing changes where nothing is changed', async () => {
    const same = JSON.stringify(policy1('', 'client1-dev', 'client2-dev'));
    expect(await ask(QUERY, { new: same })).toMatchObject({ wouldChange: { changed: [] } });
  });
});
