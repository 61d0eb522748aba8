import { type Answer, RANGE, StoryServer } from './story-server.js';

const server = StoryServer.forTests();
const LAB = { ...RANGE, cluster: { eq: 'lab' } };

describe('dropGroups', () => {
  const GROUPS = `query ($filter: DropGroupFilter!, $first: Int, $after: String, $orderBy: DropGroupOrder) {
    dropGroups(filter: $filter, first: $first, after: $after, orderBy: $orderBy) {
      totalCount pageInfo { hasNextPage endCursor }
      nodes { id key verdict cause direction basis protocol destinationPort node drops attempts packets firstSeenAt lastSeenAt sentence
        source { kind namespace name } destination { kind namespace name } policies { kind namespace name }
        explanation { misses { path } } latestDrop { key group { key } } } } }`;

  it('fold drops, with totals as text and the sentence of the latest', async () => {
    const { data, errors } = await server.askSteadily(GROUPS, { filter: LAB });
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
        const { data }: Answer = await server.ask(GROUPS, variables);
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
    const { data } = await server.ask(GROUPS, { filter });
    expect(data.dropGroups?.nodes?.map((node) => node.key)).toEqual(['g-why-client2-webserver']);
  });
});
