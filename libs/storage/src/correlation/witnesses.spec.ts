import type pg from 'pg';
import { createPayloadCache } from './raw-lines.js';
import { loadWitnesses } from './witnesses.js';

/** More than a call takes as arguments. */
const MANY = 131_000;

const PACKET = {
  at: 0n,
  batch_id: 1n,
  line: 1,
  node: 'n1',
  channel: 'nflog',
  prefix: '',
  protocol: 6,
  source: '10.0.0.1',
  destination: '10.0.0.2',
  source_port: 1,
  destination_port: 2,
  tcp_flags: 'SYN',
  hits: null,
};

const FLOW = {
  ...PACKET,
  event: 0,
  state: null,
  unreplied: true,
  assured: false,
  reply_source: '10.0.0.2',
  reply_destination: '10.0.0.1',
  reply_source_port: 2,
  reply_destination_port: 1,
  policy_key: null,
  effective_key: null,
};

/** A connection that finds so many packets or keys, however it is asked. */
function answering(packets: readonly object[], flows: readonly object[]): pg.PoolClient {
  const answers = (text: string) => {
    if (text.includes('packet_log p JOIN')) return packets;
    return text.includes('flow f JOIN') ? flows : [];
  };
  const query = (text: string) => Promise.resolve({ rows: answers(text) });
  return { query } as unknown as pg.PoolClient;
}

it('takes a storm of packets that one connection was logged with', async () => {
  const packets = Array.from({ length: MANY }, () => PACKET);
  const { witnesses } = await loadWitnesses(answering(packets, []), createPayloadCache(), 1, [1n], [0, 1]);
  expect(witnesses.packets).toHaveLength(MANY);
});

it('follows NAT to as many connections', async () => {
  const flows = Array.from({ length: MANY }, (_, at) => ({ ...FLOW, line: at, original_key: BigInt(at + 2) }));
  const { keys } = await loadWitnesses(answering([], flows), createPayloadCache(), 1, [1n], [0, 1]);
  expect(keys).toHaveLength(MANY + 1);
});
