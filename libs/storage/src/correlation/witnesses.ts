import type { FlowWitness, PacketWitness, VerdictWitness, Witnesses } from '@whydrop/explain';
import {
  type FlowVerdictObservation,
  type Hook,
  type IcmpTuple,
  type Instant,
  protocolFromNumber,
  reversedTuple,
  type TcpFlag,
  type TraceHit,
  type Tuple,
  tupleHash,
} from '@whydrop/model';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';
import { flowEvent } from '../write/flow-rows.js';
import { type PayloadCache, rawLines } from './raw-lines.js';
import { REACH } from './work.js';

const AT = (parameter: string) => `('epoch'::timestamptz + ${parameter}::int8 * interval '1 microsecond')`;
const OF_CLUSTER = 'emitter_id IN (SELECT id FROM emitter WHERE cluster_id = $1)';

// Connections that something was logged about, that conntrack saw unanswered, or that were reported before and either go on
// in the span or are named again in it, under any of the tuples that NAT gave them: an answer that came late takes a drop back.
// What was reported before and is not spoken of again stays: a storm is not explained anew with each of its batches.
const CANDIDATES = `
  WITH flows AS MATERIALIZED (
    SELECT original_key, policy_key, effective_key, unreplied,
           NOT unreplied AND state = 'CLOSE' AND original_bytes > 52 * original_packets + 8
             AND reply_bytes <= 80 * reply_packets AS silent FROM flow
     WHERE ${OF_CLUSTER} AND observed_at BETWEEN ${AT('$2')} AND ${AT('$3')}),
  named AS (
    SELECT original_key AS key FROM flows UNION SELECT policy_key FROM flows UNION SELECT effective_key FROM flows
    UNION SELECT original_key FROM flow_verdict WHERE ${OF_CLUSTER} AND observed_at BETWEEN ${AT('$2')} AND ${AT('$3')}
    UNION SELECT f.original_key FROM flows s JOIN flow f ON f.effective_key = s.original_key
     WHERE f.observed_at BETWEEN ${AT('$2')} - interval '300 seconds' AND ${AT('$3')}
    UNION SELECT f.original_key FROM flows s JOIN flow f ON f.policy_key = s.original_key
     WHERE f.observed_at BETWEEN ${AT('$2')} - interval '300 seconds' AND ${AT('$3')})
  SELECT original_key AS key FROM packet_log WHERE ${OF_CLUSTER} AND observed_at BETWEEN ${AT('$2')} AND ${AT('$3')}
  UNION
  SELECT original_key FROM flows GROUP BY original_key HAVING bool_and(unreplied)
  UNION
  SELECT original_key FROM flows WHERE silent
  UNION
  SELECT original_key FROM flow_verdict WHERE ${OF_CLUSTER} AND observed_at BETWEEN ${AT('$2')} AND ${AT('$3')}
     AND original_key IS NOT NULL AND verdict IN ('dropped', 'rejected')
  UNION
  SELECT connection_key FROM "drop"
   WHERE cluster_id = $1 AND first_seen_at BETWEEN ${AT('$2')} - interval '300 seconds' AND ${AT('$3')}
     AND last_seen_at >= ${AT('$2')}
  UNION
  SELECT d.connection_key FROM named n JOIN "drop" d ON d.cluster_id = $1 AND d.connection_key = n.key
     AND d.first_seen_at BETWEEN ${AT('$2')} - interval '300 seconds' AND ${AT('$3')}`;

// Packets that open nothing are judged by the connection they belong to, in their own direction or as its answer: a record
// of it that comes late bears on packets up to two minutes after it.
const OPEN_NOTHING = `
  WITH flows AS MATERIALIZED (
    SELECT source, source_port, reply_source, reply_source_port, original_key, policy_key FROM flow
     WHERE ${OF_CLUSTER} AND observed_at BETWEEN ${AT('$2')} AND ${AT('$3')}),
  packets AS MATERIALIZED (
    SELECT original_key, source, source_port, destination, destination_port FROM packet_log
     WHERE ${OF_CLUSTER} AND (tcp_flags <> 'SYN' OR protocol = 17)
       AND observed_at BETWEEN ${AT('$2')} - interval '10 seconds' AND ${AT('$3')} + interval '120 seconds')
  SELECT p.original_key AS key FROM packets p JOIN flows f ON f.policy_key = p.original_key OR f.original_key = p.original_key
  UNION
  SELECT p.original_key FROM packets p JOIN flows f ON f.reply_source = p.source AND f.source = p.destination
     AND f.reply_source_port = p.source_port AND f.source_port = p.destination_port`;

/** Hashes of the connections that a span of time bears on. */
export async function candidateKeys(
  client: pg.PoolClient,
  clusterId: number,
  [from, to]: readonly [Instant, Instant],
): Promise<readonly bigint[]> {
  const { rows } = await client.query<{ key: bigint }>(CANDIDATES, [clusterId, from, to]);
  const others = await client.query<{ key: bigint }>(OPEN_NOTHING, [clusterId, from, to]);
  return [...new Set([...rows, ...others.rows].map((row) => row.key))];
}

interface TupleRow {
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  readonly source_port: number | null;
  readonly destination_port: number | null;
  readonly icmp_type: number | null;
  readonly icmp_code: number | null;
  readonly icmp_id: number | null;
}

interface FlowRow extends TupleRow {
  readonly at: bigint;
  readonly batch_id: bigint;
  readonly line: number;
  readonly node: string;
  readonly event: number;
  readonly state: string | null;
  readonly unreplied: boolean;
  readonly assured: boolean;
  readonly reply_source: string;
  readonly reply_destination: string;
  readonly reply_source_port: number | null;
  readonly reply_destination_port: number | null;
  readonly original_packets: bigint | null;
  readonly original_bytes: bigint | null;
  readonly reply_packets: bigint | null;
  readonly reply_bytes: bigint | null;
  readonly original_key: bigint;
  readonly policy_key: bigint | null;
  readonly effective_key: bigint | null;
}

const FLOWS = `
  SELECT ${MICROS('f.observed_at')} AS at, f.batch_id, f.line, e.node, f.event, f.protocol, f.state, f.unreplied, f.assured,
         host(f.source) AS source, host(f.destination) AS destination, f.source_port, f.destination_port,
         host(f.reply_source) AS reply_source, host(f.reply_destination) AS reply_destination,
         f.reply_source_port, f.reply_destination_port, f.icmp_type, f.icmp_code, f.icmp_id,
         f.original_packets, f.original_bytes, f.reply_packets, f.reply_bytes,
         f.original_key, f.policy_key, f.effective_key
    FROM flow f JOIN emitter e ON e.id = f.emitter_id
   WHERE e.cluster_id = $1 AND f.observed_at BETWEEN ${AT('$3')} AND ${AT('$4')}
     AND (f.original_key = ANY($2) OR f.policy_key = ANY($2) OR f.effective_key = ANY($2))`;

interface PacketRow extends TupleRow {
  readonly at: bigint;
  readonly batch_id: bigint;
  readonly line: number;
  readonly node: string;
  readonly channel: string;
  readonly prefix: string;
  readonly nflog_group: number | null;
  readonly hook: Hook | null;
  readonly in_interface: string | null;
  readonly out_interface: string | null;
  readonly physical_in: string | null;
  readonly physical_out: string | null;
  readonly tcp_flags: string | null;
  readonly tcp_sequence: bigint | null;
  readonly length: number | null;
  readonly mark: bigint | null;
  readonly hits: readonly TraceHit[] | null;
}

const PACKETS = `
  SELECT ${MICROS('p.observed_at')} AS at, p.batch_id, p.line, e.node, p.channel, p.prefix, p.nflog_group, p.hook,
         p.in_interface, p.out_interface, p.physical_in, p.physical_out, p.protocol,
         host(p.source) AS source, host(p.destination) AS destination, p.source_port, p.destination_port,
         p.icmp_type, p.icmp_code, p.icmp_id, p.tcp_flags, p.tcp_sequence, p.length, p.mark, p.hits
    FROM packet_log p JOIN emitter e ON e.id = p.emitter_id
   WHERE e.cluster_id = $1 AND p.observed_at BETWEEN ${AT('$3')} AND ${AT('$4')} AND p.original_key = ANY($2)`;

// A traced connect to a service that was dropped before an entry bound it may draw another endpoint with each retry: what
// they have in common is the client's end.
const RETRIES = `
  SELECT DISTINCT original_key AS key FROM packet_log
   WHERE ${OF_CLUSTER} AND observed_at BETWEEN ${AT('$2')} AND ${AT('$3')} AND hits IS NOT NULL
     AND (source, source_port) IN (SELECT * FROM unnest($4::inet[], $5::int4[]))`;

interface VerdictRow {
  readonly node: string;
  readonly body: FlowVerdictObservation;
}

const VERDICTS = `
  SELECT e.node, v.body FROM flow_verdict v JOIN emitter e ON e.id = v.emitter_id
   WHERE e.cluster_id = $1 AND v.observed_at BETWEEN ${AT('$3')} AND ${AT('$4')} AND v.original_key = ANY($2)`;

const bigintOf = (value: unknown) => (typeof value === 'string' ? BigInt(value) : undefined);

/** A stored record is JSON: counters come back as text, and what was undefined is absent. */
function verdictOf({ node, body }: VerdictRow): readonly VerdictWitness[] {
  const { source, destination } = body.ends;
  if (source === undefined || destination === undefined) return [];
  const { ends } = body;
  const tuple = { ...tupleEnds(ends), source, destination };
  const verdict = {
    ...body,
    packets: bigintOf(body.packets),
    bytes: bigintOf(body.bytes),
    connections: bigintOf(body.connections),
  };
  return [{ node: body.node ?? node, verdict, tuple }];
}

function tupleEnds({ protocol, sourcePort, destinationPort, icmp }: FlowVerdictObservation['ends']) {
  return { protocol, sourcePort, destinationPort, icmp };
}

function icmpOf(row: TupleRow): IcmpTuple | undefined {
  if (row.icmp_type === null) return undefined;
  return { type: row.icmp_type, code: row.icmp_code ?? 0, id: row.icmp_id ?? undefined };
}

function tupleOf(row: TupleRow): Tuple {
  return {
    protocol: protocolFromNumber(row.protocol),
    source: row.source,
    destination: row.destination,
    sourcePort: row.source_port ?? undefined,
    destinationPort: row.destination_port ?? undefined,
    icmp: icmpOf(row),
  };
}

function counters(packets: bigint | null, bytes: bigint | null) {
  return packets === null || bytes === null ? undefined : { packets, bytes };
}

function flowOf(row: FlowRow, raw: string): FlowWitness {
  const original = tupleOf(row);
  const reply: Tuple = {
    ...original,
    source: row.reply_source,
    destination: row.reply_destination,
    sourcePort: row.reply_source_port ?? undefined,
    destinationPort: row.reply_destination_port ?? undefined,
  };
  return {
    node: row.node,
    flow: {
      kind: 'flow',
      observedAt: Number(row.at),
      event: flowEvent(row.event),
      state: row.state ?? undefined,
      timeout: undefined,
      original,
      reply,
      unreplied: row.unreplied,
      assured: row.assured,
      originalCounters: counters(row.original_packets, row.original_bytes),
      replyCounters: counters(row.reply_packets, row.reply_bytes),
      mark: undefined,
      zone: undefined,
      id: undefined,
      raw,
      line: row.line,
    },
  };
}

function packetOf(row: PacketRow, raw: string): PacketWitness {
  const facts = {
    observedAt: Number(row.at),
    tuple: tupleOf(row),
    inInterface: row.in_interface ?? undefined,
    outInterface: row.out_interface ?? undefined,
    physicalIn: row.physical_in ?? undefined,
    physicalOut: row.physical_out ?? undefined,
    tcpFlags: (row.tcp_flags?.split(' ') ?? []) as readonly TcpFlag[],
    tcpSequence: row.tcp_sequence === null ? undefined : Number(row.tcp_sequence),
    length: row.length ?? undefined,
    mark: row.mark === null ? undefined : Number(row.mark),
    raw,
    line: row.line,
  };
  if (row.hits) {
    const family = row.source.includes(':') ? 'inet6' : 'inet';
    return { node: row.node, packet: { ...facts, kind: 'trace', family, traceId: '', hits: row.hits } };
  }
  const channel = row.channel === 'nflog' || row.channel === 'nft-log' ? row.channel : 'kernel-log';
  const group = row.nflog_group ?? undefined;
  return {
    node: row.node,
    packet: { ...facts, kind: 'packet', channel, prefix: row.prefix, group, hook: row.hook ?? undefined },
  };
}

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
      found.push(...fresh);
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
      this.packets.push(...rows);
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
