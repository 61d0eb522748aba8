import type { Witnesses } from '@whydrop/explain';
import { type Instant, reversedTuple, tupleHash } from '@whydrop/model';
import type pg from 'pg';
import { AT, OF_CLUSTER } from './candidate-keys.js';
import { type PayloadCache, rawLines } from './raw-lines.js';
import {
  type FlowRow,
  flowOf,
  FLOWS,
  type PacketRow,
  packetOf,
  PACKETS,
  tupleOf,
  verdictOf,
  type VerdictRow,
  VERDICTS,
} from './witness-rows.js';
import { REACH } from './work.js';

// A traced connect to a service that was dropped before an entry bound it may draw another endpoint with each retry: what
// they have in common is the client's end.
const RETRIES = `
  SELECT DISTINCT original_key AS key FROM packet_log
   WHERE ${OF_CLUSTER} AND observed_at BETWEEN ${AT('$2')} AND ${AT('$3')} AND hits IS NOT NULL
     AND (source, source_port) IN (SELECT * FROM unnest($4::inet[], $5::int4[]))`;

/** Witnesses of some connections and all hashes by which NAT joins them. */
export interface LoadedWitnesses {
  readonly witnesses: Witnesses;
  readonly keys: readonly bigint[];
}

/** Hashes of connections that packets which open nothing may be answers to. */
function answeredBy(rows: readonly PacketRow[]): readonly bigint[] {
  const open = rows.filter((row) => row.tcp_flags !== 'SYN' && (row.protocol === 6 || row.protocol === 17));
  return open.map((row) => BigInt(tupleHash(reversedTuple(tupleOf(row)))));
}

class Loading {
  readonly keys = new Set<bigint>();
  readonly flows = new Map<string, FlowRow>();
  readonly packets: PacketRow[] = [];

  constructor(
    private readonly client: pg.PoolClient,
    private readonly place: readonly [number, Instant, Instant],
  ) {}

  /** Flows of some connections and of all that NAT joins with them; gives the hashes that were not known before. */
  private async follow(start: readonly bigint[]): Promise<readonly bigint[]> {
    const [clusterId, low, high] = this.place;
    const first = start.filter((key) => !this.keys.has(key));
    const found = [...new Set(first)];
    for (const key of found) this.keys.add(key);
    for (let fresh: readonly bigint[] = found; fresh.length > 0;) {
      const { rows } = await this.client.query<FlowRow>(FLOWS, [clusterId, fresh, low, high]);
      const before = this.keys.size;
      for (const row of rows) {
        this.flows.set(`${row.batch_id}/${row.line}/${row.at}`, row);
        for (const key of [row.original_key, row.policy_key, row.effective_key]) if (key !== null) this.keys.add(key);
      }
      fresh = [...this.keys].slice(before);
      for (const key of fresh) found.push(key);
    }
    return found;
  }

  /** Connections of traced packets from the same client's end. */
  private async retries(rows: readonly PacketRow[]): Promise<readonly bigint[]> {
    const traced = rows.filter((row) => row.hits !== null && row.source_port !== null);
    if (traced.length === 0) return [];
    const ends = [traced.map(({ source }) => source), traced.map((row) => row.source_port)];
    const found = await this.client.query<{ key: bigint }>(RETRIES, [...this.place, ...ends]);
    return found.rows.map(({ key }) => key);
  }

  /** Flows and packets of some connections, of those that their packets answer, and of those that they try again. */
  async load(start: readonly bigint[]): Promise<void> {
    const [clusterId, low, high] = this.place;
    for (let wanted = start; wanted.length > 0;) {
      const found = await this.follow(wanted);
      if (found.length === 0) return;
      const { rows } = await this.client.query<PacketRow>(PACKETS, [clusterId, found, low, high]);
      // Not spread: a call takes some 120,000 arguments.
      for (const row of rows) this.packets.push(row);
      wanted = [...answeredBy(rows), ...(await this.retries(rows))];
    }
  }
}

/**
 * Loads everything that was recorded about some connections around a span of time. Keys reach over NAT: the record of the
 * first node leads to the tuple that the next node sees. A packet that opens nothing brings the connection it answers.
 */
export async function loadWitnesses(
  client: pg.PoolClient,
  payloads: PayloadCache,
  clusterId: number,
  start: readonly bigint[],
  [from, to]: readonly [Instant, Instant],
): Promise<LoadedWitnesses> {
  const [low, high] = [from - 2 * REACH, to + 2 * REACH];
  const loading = new Loading(client, [clusterId, low, high]);
  await loading.load(start);
  const { keys, flows, packets } = loading;
  const verdicts = await client.query<VerdictRow>(VERDICTS, [clusterId, [...keys], low, high]);
  const places = [...flows.values(), ...packets].map((row) => ({ batchId: row.batch_id, line: row.line }));
  const raw = await rawLines(client, payloads, places);
  const flowWitnesses = [...flows.values()].map((row, at) => flowOf(row, raw[at] ?? ''));
  const packetWitnesses = packets.map((row, at) => packetOf(row, raw[flows.size + at] ?? ''));
  const witnesses = { flows: flowWitnesses, packets: packetWitnesses, verdicts: verdicts.rows.flatMap(verdictOf) };
  return { witnesses, keys: [...keys] };
}
