import { createToken, openDatabase, type Database } from '@whydrop/storage';
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';
import { storeMany, storeStory, T0 } from './story.js';

let db: OpenTestDatabase;
let api: RunningApi;
let token: string;
let ingestToken: string;
let emitter: number;
const statements: string[] = [];
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  db = await openTestDatabase();
  await storeStory(db);
  await storeMany(db, 250);
  await storeFlows();
  token = (await createToken(db, { name: 'reader', role: 'viewer' })).text;
  ingestToken = (await createToken(db, { name: 'node', role: 'ingest' })).text;
  api = await start(db);
});

async function start(database: Database, statementTimeoutMs?: number): Promise<RunningApi> {
  const now = () => T0 / 1000 + 3_600_000;
  const onStatement = (text: string) => statements.push(text);
  const timeout = statementTimeoutMs === undefined ? {} : { statementTimeoutMs };
  const api = await openTestApi(database, { knownFormats: ['conntrack-events'], now, onStatement, ...timeout });
  open.push(api);
  return api;
}

/** Three batches of node n1 (number 1 never came), flows in the first, rejects in the last. */
async function storeFlows(): Promise<void> {
  const cluster = `(SELECT id FROM cluster WHERE name = 'lab')`;
  const made = await db.pool.query<{ id: number }>(
    `INSERT INTO emitter (cluster_id, node) VALUES (${cluster}, 'cent222') RETURNING id`,
  );
  emitter = made.rows[0]?.id ?? 0;
  await db.pool.query(
    `INSERT INTO raw_batch (id, emitter_id, stream, epoch, sequence, format, first_line, attributes, payload, payload_bytes, sha256,
                            observed_to, finished_at)
     SELECT i, $1, 'conntrack.log', 17, s, 'conntrack-events', 1, '{}', '', 1000, '', '2026-11-20T14:00:00.25Z', f
     FROM (VALUES (101, 0, now()), (102, 2, now()), (103, 5, NULL)) AS v (i, s, f)`,
    [emitter],
  );
  await db.pool.query(
    `INSERT INTO batch_stage (batch_id, stage, rows, rejects) VALUES (101, 'store', 3, 0), (102, 'store', 0, 2)`,
  );
  await db.pool.query(
    `INSERT INTO flow (observed_at, batch_id, line, emitter_id, event, protocol, state, unreplied, assured, source, destination,
       source_port, destination_port, reply_source, reply_destination, reply_source_port, reply_destination_port,
       original_packets, original_key)
     VALUES
       ('2026-11-20T14:02:11.345678Z', 101, 1, $1, 1, 6, 'SYN_SENT', true, false, '10.47.255.231', '10.96.0.10', 41000, 8000,
        '10.47.255.234', '10.47.255.231', 80, 41000, 18014398509481985, 1),
       ('2026-11-20T14:02:12Z', 101, 2, $1, 2, 6, 'ESTABLISHED', false, true, '10.47.255.232', '10.47.255.234', 41001, 80,
        '10.47.255.234', '10.47.255.232', 80, 41001, NULL, 2),
       ('2026-11-20T14:02:13Z', 101, 3, $1, 8, 17, NULL, true, false, 'fd00::1', 'fd00::53', 5000, 53,
        'fd00::53', 'fd00::1', 53, 5000, NULL, 3)`,
    [emitter],
  );
  await db.pool.query(
    `INSERT INTO reject (batch_id, ordinal, line, reason, detail, raw, received_at) VALUES
       (102, 0, 7, 'TRUNCATED', 'the line ends in the middle', 'tcp 6 120 SYN_S', '2026-11-20T14:03:00Z'),
       (102, 1, 9, 'BAD_VALUE', 'a port is out of range', 'tcp 6 dport=99999', '2026-11-20T14:03:00Z')`,
  );
}

afterAll(async () => {
  for (const each of open) await each.close();
  await db.drop();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Tests read into answers of many shapes.
  readonly data: Data;
  readonly errors: readonly { message: string; path?: unknown; extensions: Record<string, unknown> }[] | undefined;
  readonly extensions: Record<string, unknown> | undefined;
}
interface Found {
  readonly id: string;
  readonly key: string;
  readonly line: number;
}
interface List {
  readonly totalCount: number;
  readonly nodes: readonly Found[];
  readonly edges: readonly { readonly cursor: string; readonly node: Found }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly endCursor: string | null;
  };
}
/** Parts of answers that tests look into one by one. */
interface Data {
  readonly drops?: List;
  readonly dropGroups?: List;
  readonly flows?: List;
  readonly rejects?: List;
  readonly collectors?: readonly unknown[];
  readonly drop?: Found;
}

async function ask(query: string, variables: object = {}, as: string | null = token, to = api): Promise<Answer> {
  const authorization: Record<string, string> = as === null ? {} : { authorization: `Bearer ${as}` };
  const response = await fetch(`${to.url}/graphql`, {
    method: 'POST',
    headers: { ...authorization, 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, headers: response.headers, ...((await response.json()) as object) } as Answer;
}

/** Asks three times: plain, while it is compiled, and compiled. All must say the same. */
async function askSteadily(query: string, variables: object = {}): Promise<Answer> {
  const answers = [await ask(query, variables), await ask(query, variables), await ask(query, variables)];
  const seen = answers.map(({ status, data, errors }) => ({
    status,
    data,
    errors: errors?.map(({ message, path, extensions }) => ({ message, path, code: extensions['code'] })),
  }));
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[2]).toEqual(seen[0]);
  return answers[2] as Answer;
}

const RANGE = { timeRange: { from: '2026-11-20T00:00:00Z', to: '2026-11-21T00:00:00Z' } };
const LAB = { ...RANGE, cluster: { eq: 'lab' } };

const DROPS = `query ($filter: DropFilter!, $first: Int, $after: String, $orderBy: DropOrder) {
  drops(filter: $filter, first: $first, after: $after, orderBy: $orderBy) {
    totalCount nodes { key firstSeenAt sentence } edges { cursor node { key } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;

const keys = async (filter: object) => {
  const { data, errors } = await ask(DROPS, { filter: { ...LAB, ...filter } });
  expect(errors).toBeUndefined();
  return data.drops?.nodes?.map((node) => node.key) ?? [];
};

const QA = ['d-why-qa-webserver-1', 'd-why-qa-webserver-0'];
const CLIENT2 = [3, 2, 1, 0].map((i) => `d-why-client2-webserver-${i}`);
const DB = ['d-why-client1-dbserver-0'];
const CLOSED = ['d-why-closed-0'];

describe('who may ask', () => {
  it.each([null, 'whd_x', ''])('nobody with token %p: 401, in the shape of GraphQL', async (as) => {
    const { status, headers, errors } = await ask('{ __typename }', {}, as);
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED', requestId: expect.any(String) });
  });

  it('not a token for ingest: 403', async () => {
    const { status, errors } = await ask('{ __typename }', {}, ingestToken);
    expect(status).toBe(403);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('an admin', async () => {
    const admin = (await createToken(db, { name: 'root', role: 'admin' })).text;
    expect((await ask('{ __typename }', {}, admin)).data).toEqual({ __typename: 'Query' });
  });

  it('tools learn the schema', async () => {
    const { data, errors } = await ask(getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true }));
    expect(errors).toBeUndefined();
    const schema = buildClientSchema(data as unknown as IntrospectionQuery);
    expect(Object.keys(schema.getQueryType()?.getFields() ?? {})).toContain('drops');
  });

  it('GraphiQL is served only when asked for', async () => {
    expect((await fetch(`${api.url}/graphiql`)).status).toBe(404);
  });
});

describe('drops', () => {
  it('lists what was dropped, the newest first; what no rule stopped only when asked for', async () => {
    expect(await keys({})).toEqual([
      'd-why-client2-webserver-3',
      'd-why-client2-webserver-2',
      'd-why-qa-webserver-1',
      'd-why-client2-webserver-1',
      'd-why-client1-dbserver-0',
      'd-why-qa-webserver-0',
      'd-why-client2-webserver-0',
    ]);
    expect(await keys({ verdict: { eq: 'FAILED' } })).toEqual(CLOSED);
    expect(await keys({ verdict: { neq: 'ALLOWED' } })).toHaveLength(8);
    expect(await keys({ or: [{ verdict: { eq: 'FAILED' } }, { namespace: { eq: 'qa' } }] })).toEqual([
      QA[0],
      CLOSED[0],
      QA[1],
    ]);
  });

  it.each<readonly [string, object, readonly (string | undefined)[]]>([
    ['namespace of either end', { namespace: { eq: 'qa' } }, QA],
    ['namespace of either end, not', { namespace: { neq: 'qa' }, port: { eq: 80 }, policy: { eq: 'policy2' } }, DB],
    ['namespace not in', { namespace: { nin: ['qa', 'kube-system'] }, policy: { eq: 'policy1' } }, CLIENT2],
    ['source namespace', { sourceNamespace: { in: ['qa'] } }, QA],
    ['destination namespace', { destinationNamespace: { eq: 'qa' } }, []],
    ['workload by name', { workload: { eq: 'dbserver-dev' } }, DB],
    ['workload by namespace/name', { workload: { eq: 'qa/client-qa' } }, QA],
    ['workload that contains', { sourceWorkload: { contains: 'nt2' } }, CLIENT2],
    ['workload that starts with', { destinationWorkload: { startsWith: 'dev/db' } }, DB],
    ['policy by name', { policy: { eq: 'policy2' } }, DB],
    ['policy by namespace/name', { policy: { in: ['dev/policy2'] } }, DB],
    ['policy by kind/namespace/name', { policy: { eq: 'NetworkPolicy/dev/policy2' } }, DB],
    ['policy of another namespace', { policy: { eq: 'qa/policy2' } }, []],
    ['policy, not', { policy: { neq: 'policy1' } }, DB],
    ['policy kind', { policyKind: { eq: 'GlobalNetworkPolicy' } }, []],
    ['port', { port: { gte: 8000, lt: 9000 }, verdict: { in: ['FAILED'] } }, CLOSED],
    ['protocol, however it is written', { protocol: { in: ['tcp', '17'] }, policy: { eq: 'policy2' } }, DB],
    ['cause', { cause: { eq: 'PORT_CLOSED' }, verdict: { eq: 'FAILED' } }, CLOSED],
    ['direction', { direction: { eq: 'EGRESS' } }, []],
    ['direction is null', { direction: { isNull: true }, verdict: { eq: 'FAILED' } }, CLOSED],
    ['basis', { basis: { eq: 'DERIVED' } }, []],
    ['basis of its own explanation', { basis: { neq: 'OBSERVED' }, verdict: { eq: 'FAILED' } }, CLOSED],
    ['node', { node: { eq: 'cent333' }, policy: { eq: 'policy2' } }, DB],
    ['address of either end', { address: { eq: '10.47.255.233' } }, DB],
    ['network', { sourceAddress: { within: '10.47.255.230/32' } }, QA],
    ['sentence', { sentence: { containsIgnoreCase: 'NAMESPACE QA' } }, QA],
    ['group', { group: { eq: 'g-why-client1-dbserver' } }, DB],
    ['and', { and: [{ namespace: { eq: 'qa' } }, { port: { eq: 80 } }] }, QA],
    ['or', { or: [{ namespace: { eq: 'qa' } }, { policy: { eq: 'policy2' } }] }, [QA[0], DB[0], QA[1]]],
    ['or of nothing', { or: [] }, []],
    ['in nothing', { namespace: { in: [] } }, []],
    ['not', { not: { policy: { eq: 'policy1' } } }, DB],
    ['a time range', { timeRange: { from: '2026-11-20T14:02:21Z', to: '2026-11-20T14:02:40Z' } }, [...DB, QA[1]]],
    ['the last hour', { timeRange: { last: 'PT1H' }, workload: { eq: 'client2-dev' } }, CLIENT2],
    [
      'a time range that ends before',
      { timeRange: { from: '2026-11-20T00:00:00Z', to: '2026-11-20T14:02:11.345678Z' } },
      [],
    ],
  ])('are filtered by %s', async (_what, filter, expected) => {
    expect(await keys(filter)).toEqual(expected);
  });

  it('come in pages that neither repeat nor leave out, in both orders', async () => {
    for (const direction of ['DESC', 'ASC']) {
      const filter = { ...RANGE, cluster: { eq: 'many' } };
      const seen: string[] = [];
      let after: string | null = null;
      for (let pages = 0; pages < 10; pages++) {
        const { data }: Answer = await ask(DROPS, { filter, first: 40, after, orderBy: { direction } });
        const page = data.drops as List;
        expect(page.totalCount).toBe(250);
        expect(page.nodes.map((node) => node.key)).toEqual(page.edges.map((edge) => edge.node.key));
        expect(page.pageInfo.hasPreviousPage).toBe(after !== null);
        expect(page.pageInfo.endCursor).toBe(page.edges.at(-1)?.cursor);
        seen.push(...page.nodes.map((node) => node.key));
        after = page.pageInfo.endCursor;
        if (!page.pageInfo.hasNextPage) break;
      }
      expect(seen).toHaveLength(250);
      expect(new Set(seen).size).toBe(250);
      expect(seen[direction === 'ASC' ? 0 : 249]).toBe('d-why-many-0');
    }
  });

  it('show everything that is known of a drop', async () => {
    const POLICY = 'kind namespace name uid resourceVersion tier';
    const query = `query ($id: ID!) { drop(id: $id) {
      __typename id key cluster firstSeenAt lastSeenAt protocol sourcePort destinationPort attempts packets verdict cause direction basis
      source { ip label role node pod { namespace name uid } workload { kind namespace name } } destination { label }
      original { destination destinationPort service { namespace name } } translatedSource sentence
      evidence { channel node observedAt shows raw }
      group { key drops packets sentence }
      explanation { verdict cause causeText contributing direction basis
        enforcementPoint { node hook interface workload { namespace name } }
        policies { ${POLICY} part } misses { policy { ${POLICY} } direction rule path failed { field path wanted got } }
        chainRule { node table chain position text owner { plugin role workload { name } direction tier policyRule policy { name } } } via { text }
        assumptions missing findings { code path sentence policy { name } } } } }`;
    const { data, errors } = await askSteadily(query, { id: 'd-why-client2-webserver-0' });
    expect(errors).toBeUndefined();
    expect(data.drop).toMatchSnapshot();
  });

  it('are filtered the same by literals, variables and a mixture', async () => {
    const literal = `query { drops(filter: { cluster: { eq: "lab" }, timeRange: { from: "2026-11-20T00:00:00Z" }, or: [{ namespace: { eq: "qa" } }], verdict: { nin: [FAILED] } }) { nodes { key } } }`;
    const mixed = `query ($ns: String, $v: [Verdict!] = [FAILED], $any: [DropCondition!], $first: Int) {
      drops(first: $first, filter: { cluster: { eq: "lab" }, timeRange: { from: "2026-11-20T00:00:00Z" }, or: $any, namespace: { eq: $ns }, verdict: { nin: $v } }) { nodes { key } } }`;
    const any = [{ not: { not: { and: [{ sourceWorkload: { eq: 'client-qa' } }] } } }];
    const [one, two] = [await askSteadily(literal), await askSteadily(mixed, { ns: 'qa', any })];
    expect(one.data.drops?.nodes.filter((node) => node.key.startsWith('d-why-qa'))).toHaveLength(2);
    expect(two.data).toEqual(one.data);
    expect((await askSteadily(mixed, { any })).data).toEqual(one.data);
    expect((await askSteadily(mixed, { any, first: 1, v: ['DROPPED'] })).data).toEqual({ drops: { nodes: [] } });
  });

  it('are asked for by the operation that is named', async () => {
    const query = `query A($f: DropFilter!) { drops(filter: $f) { nodes { key } } } query B { collectors { node } }`;
    for (const operationName of ['A', 'B', 'A', 'B']) {
      const response = await fetch(`${api.url}/graphql`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ query, operationName, variables: { f: RANGE } }),
      });
      const { data } = (await response.json()) as Answer;
      expect(Object.keys(data)).toEqual([operationName === 'A' ? 'drops' : 'collectors']);
    }
  });

  it('are found by their id, their key and as a node', async () => {
    const { data } = await ask('{ drop(id: "d-why-closed-0") { id } }');
    const id = data.drop?.id;
    const query =
      'query ($id: ID!) { drop(id: $id) { key } node(id: $id) { __typename id ... on Drop { key cause } } }';
    const again = await askSteadily(query, { id });
    expect(again.data).toEqual({
      drop: { key: 'd-why-closed-0' },
      node: { __typename: 'Drop', id, key: 'd-why-closed-0', cause: 'PORT_CLOSED' },
    });
  });

  it.each(['drop', 'dropGroup', 'node'])('%s that is not there: NOT_FOUND', async (field) => {
    const { status, data, errors } = await askSteadily(`{ ${field}(id: "nothing") { id } }`);
    expect(status).toBe(200);
    expect(data).toEqual({ [field]: null });
    expect(errors?.[0]).toMatchObject({ path: [field], extensions: { code: 'NOT_FOUND' } });
  });
});

describe('dropGroups', () => {
  const GROUPS = `query ($filter: DropGroupFilter!, $first: Int, $after: String, $orderBy: DropGroupOrder) {
    dropGroups(filter: $filter, first: $first, after: $after, orderBy: $orderBy) {
      totalCount pageInfo { hasNextPage endCursor }
      nodes { id key verdict cause direction basis protocol destinationPort node drops attempts packets firstSeenAt lastSeenAt sentence
        source { kind namespace name } destination { kind namespace name } policies { kind namespace name }
        explanation { misses { path } } latestDrop { key group { key } } } } }`;

  it('fold drops, with totals as text and the sentence of the latest', async () => {
    const { data, errors } = await askSteadily(GROUPS, { filter: LAB });
    expect(errors).toBeUndefined();
    expect(data.dropGroups?.totalCount).toBe(3);
    expect(data.dropGroups?.nodes?.[0]).toMatchObject({
      key: 'g-why-client2-webserver',
      drops: '4',
      packets: '12',
      firstSeenAt: '2026-11-20T14:02:11.345678Z',
      sentence: expect.stringContaining('client2-dev -> webserver-dev:80/TCP was dropped'),
      source: { kind: 'Pod', namespace: 'dev', name: 'client2-dev' },
      policies: [{ kind: 'NetworkPolicy', namespace: 'dev', name: 'policy1' }],
      explanation: { misses: [{ path: 'ingress[0].from[2]' }, { path: 'ingress[0].from[1]' }] },
      latestDrop: { key: 'd-why-client2-webserver-3', group: { key: 'g-why-client2-webserver' } },
    });
  });

  it.each(['LAST_SEEN', 'FIRST_SEEN', 'DROPS', 'PACKETS'])('are paged in the order of %s', async (field) => {
    for (const direction of ['ASC', 'DESC']) {
      const seen: string[] = [];
      let after: string | null = null;
      for (let pages = 0; pages < 6; pages++) {
        const variables = {
          filter: { ...LAB, verdict: { neq: 'ALLOWED' } },
          first: 1,
          after,
          orderBy: { field, direction },
        };
        const { data }: Answer = await ask(GROUPS, variables);
        seen.push(...(data.dropGroups?.nodes?.map((node) => node.key) ?? []));
        after = data.dropGroups?.pageInfo?.endCursor ?? null;
        if (!data.dropGroups?.pageInfo?.hasNextPage) break;
      }
      expect(new Set(seen).size).toBe(4);
      expect(seen).toHaveLength(4);
    }
  });

  it('are those seen in the time range, also when they began before or went on after', async () => {
    const filter = { ...LAB, timeRange: { from: '2026-11-20T14:03:30Z', to: '2026-11-20T14:03:31Z' } };
    const { data } = await ask(GROUPS, { filter });
    expect(data.dropGroups?.nodes?.map((node) => node.key)).toEqual(['g-why-client2-webserver']);
  });
});

describe('flows', () => {
  const FLOWS = `query ($filter: FlowFilter!) { flows(filter: $filter) { totalCount nodes {
    observedAt cluster node event protocol state unreplied assured source destination sourcePort destinationPort
    replySource replyDestination replySourcePort replyDestinationPort originalPackets batchId line } } }`;
  const lines = async (filter: object) => {
    const { data, errors } = await ask(FLOWS, { filter: { ...RANGE, ...filter } });
    expect(errors).toBeUndefined();
    return data.flows?.nodes?.map((node) => node.line);
  };

  it('show what conntrack said, times to the microsecond, counters as text', async () => {
    const { data } = await askSteadily(FLOWS, {
      filter: { ...RANGE, unreplied: { eq: true }, protocol: { eq: 'TCP' } },
    });
    expect(data.flows).toEqual({
      totalCount: 1,
      nodes: [
        {
          observedAt: '2026-11-20T14:02:11.345678Z',
          cluster: 'lab',
          node: 'cent222',
          event: 'NEW',
          protocol: 'TCP',
          state: 'SYN_SENT',
          unreplied: true,
          assured: false,
          source: '10.47.255.231',
          destination: '10.96.0.10',
          sourcePort: 41000,
          destinationPort: 8000,
          replySource: '10.47.255.234',
          replyDestination: '10.47.255.231',
          replySourcePort: 80,
          replyDestinationPort: 41000,
          originalPackets: '18014398509481985',
          batchId: '101',
          line: 1,
        },
      ],
    });
  });

  it.each<readonly [object, readonly number[]]>([
    [{}, [3, 2, 1]],
    [{ address: { eq: '10.47.255.234' } }, [2, 1]],
    [{ address: { in: ['FD00::0053'] } }, [3]],
    [{ destinationAddress: { within: '10.96.0.0/12' } }, [1]],
    [{ port: { eq: 80 } }, [2, 1]],
    [{ port: { eq: 8000 } }, [1]],
    [{ protocol: { eq: 'udp' } }, [3]],
    [{ protocol: { eq: 'nonsense' } }, []],
    [{ unreplied: { eq: false } }, [2]],
    [{ node: { eq: 'cent222' }, state: { isNull: true } }, [3]],
    [{ not: { protocol: { eq: 'TCP' } } }, [3]],
  ])('are filtered by %p', async (filter, expected) => {
    expect(await lines(filter)).toEqual(expected);
  });
});

describe('rejects and collectors', () => {
  it('keep what nobody understood', async () => {
    const query = `query ($filter: RejectFilter!) { rejects(filter: $filter) { totalCount nodes {
      cluster node stream format line reason detail raw receivedAt batchId ordinal } } }`;
    const all = await askSteadily(query, { filter: { ...RANGE, stream: { eq: 'conntrack.log' } } });
    expect(all.data.rejects?.totalCount).toBe(2);
    const { data } = await ask(query, { filter: { ...RANGE, reason: { eq: 'TRUNCATED' }, node: { eq: 'cent222' } } });
    expect(data.rejects?.nodes).toEqual([
      {
        cluster: 'lab',
        node: 'cent222',
        stream: 'conntrack.log',
        format: 'conntrack-events',
        line: 7,
        reason: 'TRUNCATED',
        detail: 'the line ends in the middle',
        raw: 'tcp 6 120 SYN_S',
        receivedAt: '2026-11-20T14:03:00Z',
        batchId: '102',
        ordinal: 0,
      },
    ]);
  });

  it('say who ships, and what is missing', async () => {
    const query = `query ($filter: CollectorFilter) { collectors(filter: $filter) { cluster node streams batches payloadBytes rejects missingBatches
      openBatches lastReceivedAt lastObservedAt formats { format streams batches } gaps { stream epoch lastSequence missingBatches } } }`;
    const { data } = await askSteadily(query, { filter: { cluster: { eq: 'lab' } } });
    expect(data.collectors).toEqual([
      {
        cluster: 'lab',
        node: 'cent222',
        streams: 1,
        batches: '3',
        payloadBytes: '3000',
        rejects: '2',
        missingBatches: '3',
        openBatches: '1',
        lastReceivedAt: expect.stringMatching(/Z$/),
        lastObservedAt: '2026-11-20T14:00:00.250Z',
        formats: [{ format: 'conntrack-events', streams: 1, batches: '3' }],
        gaps: [{ stream: 'conntrack.log', epoch: '17', lastSequence: '5', missingBatches: '3' }],
      },
    ]);
    expect((await ask(query, { filter: { cluster: { eq: 'nobody' } } })).data.collectors).toEqual([]);
    expect((await ask(query, { filter: { not: { node: { eq: 'cent222' } } } })).data.collectors).toEqual([]);
    expect((await ask('{ collectors { node } }')).data.collectors).toHaveLength(1);
  });
});

describe('what a query costs', () => {
  it('one statement for the list, one for explanations, one for groups, however many drops', async () => {
    const query = `query ($filter: DropFilter!) { drops(filter: $filter, first: 200) {
      nodes { key explanation { cause policies { name } } group { key explanation { cause } } } } }`;
    statements.length = 0;
    const { data } = await ask(query, { filter: RANGE });
    expect(data.drops?.nodes).toHaveLength(200);
    expect(statements).toHaveLength(3);
  });

  it('one statement for groups, one for their latest drops, one for explanations', async () => {
    const query = `query ($filter: DropGroupFilter!) { dropGroups(filter: $filter) {
      nodes { sentence explanation { cause } latestDrop { key explanation { cause } } } } }`;
    statements.length = 0;
    const { data } = await ask(query, { filter: RANGE });
    expect(data.dropGroups?.nodes).toHaveLength(4);
    expect(statements).toHaveLength(3);
  });

  it('nothing is counted that nobody asks for', async () => {
    statements.length = 0;
    await ask('query ($f: DropFilter!) { drops(filter: $f) { nodes { key } } }', { f: RANGE });
    expect(statements).toHaveLength(1);
  });

  it('is told, and limited', async () => {
    const query = 'query ($f: DropFilter!, $n: Int!) { drops(filter: $f, first: $n) { nodes { key cause } } }';
    const fine = await ask(query, { f: RANGE, n: 100 });
    expect(fine.extensions).toEqual({ cost: { requested: 500 + 100 * 3, limit: 50_000 } });
    const aliases = Array.from(
      { length: 40 },
      (_, i) => `d${i}: drops(filter: $f, first: 500) { nodes { key cause } }`,
    );
    const { status, errors } = await askSteadily(`query ($f: DropFilter!) { ${aliases.join(' ')} }`, { f: RANGE });
    expect(status).toBe(400);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'QUERY_TOO_COMPLEX', cost: { limit: 50_000 } });
  });

  it('is checked with the variables of each request, not of the first', async () => {
    const query =
      'query ($f: DropFilter!, $n: Int!) { drops(filter: $f, first: $n) { nodes { ...D } a: nodes { ...D } b: nodes { ...D } c: nodes { ...D } } } fragment D on Drop { key cause verdict basis direction sentence explanation { cause causeText basis verdict direction assumptions missing misses { path rule failed { path got wanted field } policy { name namespace kind } } } }';
    for (let i = 0; i < 3; i++) expect((await ask(query, { f: RANGE, n: 2 })).errors).toBeUndefined();
    expect((await ask(query, { f: RANGE, n: 500 })).errors?.[0]?.extensions).toMatchObject({
      code: 'QUERY_TOO_COMPLEX',
    });
    expect((await ask(query, { f: RANGE, n: 2 })).errors).toBeUndefined();
  });

  it('depth is limited, through fragments too', async () => {
    const deep = `query ($f: DropFilter!) { drops(filter: $f) { nodes { ...A } } }
      fragment A on Drop { group { latestDrop { group { latestDrop { group { latestDrop { group { latestDrop { key } } } } } } } } }`;
    const { status, errors } = await askSteadily(deep, { f: RANGE });
    expect(status).toBe(400);
    expect(errors?.[0]).toMatchObject({
      extensions: { code: 'QUERY_TOO_COMPLEX' },
      message: expect.stringContaining('limit of 10'),
    });
  });
});

describe('what is wrong with a query', () => {
  const bad = async (filter: object, rest: object = {}) => {
    const { status, errors, data } = await askSteadily(DROPS, { filter, ...rest });
    expect(data).toBeFalsy();
    expect(errors).toHaveLength(1);
    return {
      status,
      code: errors?.[0]?.extensions['code'],
      message: errors?.[0]?.message,
      requestId: errors?.[0]?.extensions['requestId'],
    };
  };

  it.each<readonly [string, object, object]>([
    ['no time range', {}, {}],
    ['an empty time range', { timeRange: {} }, {}],
    ['both kinds of time range', { timeRange: { last: '1h', from: '2026-11-20T00:00:00Z' } }, {}],
    [
      'a time range that ends before it begins',
      { timeRange: { from: '2026-11-20T00:00:00Z', to: '2026-11-19T00:00:00Z' } },
      {},
    ],
    ['a time without an offset', { timeRange: { from: '2026-11-20T00:00:00' } }, {}],
    ['a duration nobody knows', { timeRange: { last: 'a while' } }, {}],
    ['an enum value nobody knows', { ...RANGE, cause: { eq: 'GREMLINS' } }, {}],
    ['a field nobody knows', { ...RANGE, colour: { eq: 'red' } }, {}],
    ['a value of another type', { ...RANGE, port: { eq: 'http' } }, {}],
    ['an address that is none', { ...RANGE, address: { eq: '10.0.0.999' } }, {}],
    ['a network that is none', { ...RANGE, address: { within: '10.0.0.0/33' } }, {}],
    ['text that Postgres cannot compare', { ...RANGE, namespace: { eq: 'a\0b' } }, {}],
    ['more rows than a page may have', RANGE, { first: 501 }],
    ['no rows', RANGE, { first: 0 }],
    ['a cursor that is none', RANGE, { after: 'abc' }],
    ['too many values', { ...RANGE, namespace: { in: Array.from({ length: 1001 }, (_, i) => `n${i}`) } }, {}],
  ])('%s: BAD_USER_INPUT', async (_what, filter, rest) => {
    expect(await bad(filter, rest)).toMatchObject({ code: 'BAD_USER_INPUT', requestId: expect.any(String) });
  });

  it('nesting without end: BAD_USER_INPUT', async () => {
    let filter: object = { namespace: { eq: 'dev' } };
    for (let i = 0; i < 40; i++) filter = { not: filter };
    expect(await bad({ ...RANGE, ...filter })).toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it('a cursor of another filter, order or list: BAD_USER_INPUT', async () => {
    const { data } = await ask(DROPS, { filter: RANGE, first: 3 });
    const after = data.drops?.pageInfo?.endCursor;
    expect((await ask(DROPS, { filter: RANGE, first: 5, after })).errors).toBeUndefined();
    const same = { timeRange: RANGE.timeRange, namespace: null };
    expect((await ask(DROPS, { filter: same, first: 5, after })).errors).toBeUndefined();
    expect(await bad({ ...RANGE, namespace: { eq: 'dev' } }, { after })).toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining('another filter'),
    });
    expect(await bad(RANGE, { after, orderBy: { direction: 'ASC' } })).toMatchObject({ code: 'BAD_USER_INPUT' });
    const { errors } = await ask(
      'query ($f: DropGroupFilter!, $a: String) { dropGroups(filter: $f, after: $a) { nodes { key } } }',
      { f: RANGE, a: after },
    );
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it.each([
    ['{ drops(', 'GRAPHQL_PARSE_FAILED'],
    ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ drops { nodes { key } } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ drops(filter: {timeRange: {from: "x"}}) { nodes { key } } }', 'BAD_USER_INPUT'],
    ['', 'GRAPHQL_VALIDATION_FAILED'],
  ])('%s: 400 %s', async (query, code) => {
    const { status, errors } = await ask(query);
    expect(status).toBe(400);
    expect(errors?.[0]?.extensions).toMatchObject({ code });
  });
});

describe('what is no query at all', () => {
  it.each<readonly [string, number, string, RequestInit]>([
    ['no JSON', 400, 'BAD_USER_INPUT', { body: '{bad', headers: { 'content-type': 'application/json' } }],
    ['nothing', 400, 'BAD_USER_INPUT', { body: '', headers: { 'content-type': 'application/json' } }],
    ['text', 415, 'BAD_REQUEST', { body: 'x', headers: { 'content-type': 'text/plain' } }],
    ['a list', 400, 'GRAPHQL_VALIDATION_FAILED', { body: '[]', headers: { 'content-type': 'application/json' } }],
    [
      'too much',
      413,
      'BAD_USER_INPUT',
      { body: ' '.repeat(1_100_000), headers: { 'content-type': 'application/json' } },
    ],
  ])('%s: %i %s', async (_what, status, code, { body, headers }) => {
    const authorization = `Bearer ${token}`;
    const init = {
      method: 'POST',
      headers: { ...(headers as Record<string, string>), authorization },
      ...(body ? { body } : {}),
    };
    const response = await fetch(`${api.url}/graphql`, init);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code, requestId: expect.any(String) } }] });
  });
});

describe('when something goes wrong inside', () => {
  it('tells nothing of it', async () => {
    await db.pool
      .query(`INSERT INTO "drop" SELECT first_seen_at, 'd-broken', last_seen_at, cluster_id, group_id, 'gone', connection_key,
      source, source_port, destination, destination_port, protocol, attempts, packets, detail FROM "drop" WHERE id = 'd-why-closed-0'`);
    const { status, data, errors } = await askSteadily('{ drop(id: "d-broken") { key explanation { cause } } }');
    await db.pool.query(`DELETE FROM "drop" WHERE id = 'd-broken'`);
    expect(status).toBe(200);
    expect(data).toEqual({ drop: null });
    expect(errors?.[0]).toMatchObject({ path: ['drop', 'explanation'], extensions: { code: 'INTERNAL_SERVER_ERROR' } });
    expect(JSON.stringify(errors)).not.toMatch(/gone|d-broken|stored|stack/);
  });

  it('a statement that takes too long: TIMEOUT', async () => {
    const slow = await start(db, 1);
    const filter = { ...RANGE, or: Array.from({ length: 300 }, (_, i) => ({ sentence: { contains: `nobody ${i}` } })) };
    const { errors } = await ask(DROPS, { filter }, token, slow);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'TIMEOUT' });
  });

  it('Postgres away: UNAVAILABLE or 503', async () => {
    const gone = openDatabase('postgres://nobody@127.0.0.1:1/nothing');
    const away = await start(gone);
    const { status, errors } = await ask('{ __typename }', {}, token, away);
    expect(status).toBe(503);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAVAILABLE' });
    await gone.close();
  });
});
