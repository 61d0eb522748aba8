import { type Answer, DROPS, type List, RANGE, StoryServer } from './story-server.js';

const server = StoryServer.forTests();
const LAB = { ...RANGE, cluster: { eq: 'lab' } };

const keys = async (filter: object) => {
  const { data, errors } = await server.ask(DROPS, { filter: { ...LAB, ...filter } });
  expect(errors).toBeUndefined();
  return data.drops?.nodes?.map((node) => node.key) ?? [];
};

const QA = ['d-why-qa-webserver-1', 'd-why-qa-webserver-0'];
const CLIENT2 = [3, 2, 1, 0].map((i) => `d-why-client2-webserver-${i}`);
const DB = ['d-why-client1-dbserver-0'];
const CLOSED = ['d-why-closed-0'];

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
        const { data }: Answer = await server.ask(DROPS, { filter, first: 40, after, orderBy: { direction } });
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
    const { data, errors } = await server.askSteadily(query, { id: 'd-why-client2-webserver-0' });
    expect(errors).toBeUndefined();
    expect(data.drop).toMatchSnapshot();
  });

  it('are filtered the same by literals, variables and a mixture', async () => {
    const literal = `query { drops(filter: { cluster: { eq: "lab" }, timeRange: { from: "2026-11-20T00:00:00Z" }, or: [{ namespace: { eq: "qa" } }], verdict: { nin: [FAILED] } }) { nodes { key } } }`;
    const mixed = `query ($ns: String, $v: [Verdict!] = [FAILED], $any: [DropCondition!], $first: Int) {
      drops(first: $first, filter: { cluster: { eq: "lab" }, timeRange: { from: "2026-11-20T00:00:00Z" }, or: $any, namespace: { eq: $ns }, verdict: { nin: $v } }) { nodes { key } } }`;
    const any = [{ not: { not: { and: [{ sourceWorkload: { eq: 'client-qa' } }] } } }];
    const [one, two] = [await server.askSteadily(literal), await server.askSteadily(mixed, { ns: 'qa', any })];
    expect(one.data.drops?.nodes.filter((node) => node.key.startsWith('d-why-qa'))).toHaveLength(2);
    expect(two.data).toEqual(one.data);
    expect((await server.askSteadily(mixed, { any })).data).toEqual(one.data);
    expect((await server.askSteadily(mixed, { any, first: 1, v: ['DROPPED'] })).data).toEqual({ drops: { nodes: [] } });
  });

  it('are asked for by the operation that is named', async () => {
    const query = `query A($f: DropFilter!) { drops(filter: $f) { nodes { key } } } query B { collectors { node } }`;
    for (const operationName of ['A', 'B', 'A', 'B']) {
      const response = await fetch(`${server.api.url}/graphql`, {
        method: 'POST',
        headers: { authorization: server.authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ query, operationName, variables: { f: RANGE } }),
      });
      const { data } = (await response.json()) as Answer;
      expect(Object.keys(data)).toEqual([operationName === 'A' ? 'drops' : 'collectors']);
    }
  });

  it('are found by their id, their key and as a node', async () => {
    const { data } = await server.ask('{ drop(id: "d-why-closed-0") { id } }');
    const id = data.drop?.id;
    const query =
      'query ($id: ID!) { drop(id: $id) { key } node(id: $id) { __typename id ... on Drop { key cause } } }';
    const again = await server.askSteadily(query, { id });
    expect(again.data).toEqual({
      drop: { key: 'd-why-closed-0' },
      node: { __typename: 'Drop', id, key: 'd-why-closed-0', cause: 'PORT_CLOSED' },
    });
  });

  it.each(['drop', 'dropGroup', 'node'])('%s that is not there: NOT_FOUND', async (field) => {
    const { status, data, errors } = await server.askSteadily(`{ ${field}(id: "nothing") { id } }`);
    expect(status).toBe(200);
    expect(data).toEqual({ [field]: null });
    expect(errors?.[0]).toMatchObject({ path: [field], extensions: { code: 'NOT_FOUND' } });
  });
});
