import type { OpenTestDatabase } from './database.js';
import { RANGE, StoryServer } from './story-server.js';

/** Three batches of node n1 (number 1 never came), flows in the first, rejects in the last. */
async function storeFlows(db: OpenTestDatabase): Promise<void> {
  const cluster = `(SELECT id FROM cluster WHERE name = 'lab')`;
  const made = await db.pool.query<{ id: number }>(
    `INSERT INTO emitter (cluster_id, node) VALUES (${cluster}, 'cent222') RETURNING id`,
  );
  const emitter = made.rows[0]?.id ?? 0;
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

const server = StoryServer.forTests(storeFlows);

describe('flows', () => {
  const FLOWS = `query ($filter: FlowFilter!) { flows(filter: $filter) { totalCount nodes {
    observedAt cluster node event protocol state unreplied assured source destination sourcePort destinationPort
    replySource replyDestination replySourcePort replyDestinationPort originalPackets batchId line } } }`;
  const lines = async (filter: object) => {
    const { data, errors } = await server.ask(FLOWS, { filter: { ...RANGE, ...filter } });
    expect(errors).toBeUndefined();
    return data.flows?.nodes?.map((node) => node.line);
  };

  it('show what conntrack said, times to the microsecond, counters as text', async () => {
    const { data } = await server.askSteadily(FLOWS, {
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
    const all = await server.askSteadily(query, { filter: { ...RANGE, stream: { eq: 'conntrack.log' } } });
    expect(all.data.rejects?.totalCount).toBe(2);
    const { data } = await server.ask(query, {
      filter: { ...RANGE, reason: { eq: 'TRUNCATED' }, node: { eq: 'cent222' } },
    });
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
    const { data } = await server.askSteadily(query, { filter: { cluster: { eq: 'lab' } } });
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
    expect((await server.ask(query, { filter: { cluster: { eq: 'nobody' } } })).data.collectors).toEqual([]);
    expect((await server.ask(query, { filter: { not: { node: { eq: 'cent222' } } } })).data.collectors).toEqual([]);
    expect((await server.ask('{ collectors { node } }')).data.collectors).toHaveLength(1);
  });
});
