import type { Instant, Reject } from '@whydrop/model';
import { instantFromSeconds } from '@whydrop/model';
import type { Line } from '../lines.js';
import { reject } from '../lines.js';
import { packetWords } from '../kernel-log/fields.js';
import type { PacketWords } from '../kernel-log/fields.js';
import { traceHeader, traceStep } from './record.js';
import type { TraceGroup, TracePacket } from './record.js';

/** The reader's last words: the trace ends there. */
export interface TraceEnd {
  readonly ended: true;
  readonly stamp: Instant | undefined;
  readonly raw: string;
  readonly line: number;
}

const STAMP = /^(\d{9,10}(?:\.\d{1,9})?)[ \t]/;
const HOOK_ORDER = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];
const TABLE_ORDER = ['raw', 'mangle', 'nat', 'filter', 'security'];
const INPUT_ORDER = ['raw', 'mangle', 'filter', 'security', 'nat'];
/** A packet visits no more rules than this; longer groups are cut (a loop is impossible in the kernel). */
const MAX_STEPS = 10_000;

/** Fields that stay the same while one packet crosses the base chains of a node; NAT may change the rest. */
function sameness(words: PacketWords): string {
  const flags = ['SYN', 'ACK', 'FIN', 'RST', 'PSH'].filter((flag) => words.bare.has(flag)).join();
  return [words.values.get('ID'), words.values.get('LEN'), words.values.get('FLOWLBL'), flags].join('|');
}

/** How far along the hooks a base chain lies; -1 for a name that is none. */
function chainRank(table: string, chain: string): number {
  const hook = HOOK_ORDER.indexOf(chain);
  // In INPUT the kernel translates sources after filtering.
  const tables = chain === 'INPUT' ? INPUT_ORDER : TABLE_ORDER;
  const tableAt = tables.indexOf(table);
  return hook < 0 || tableAt < 0 ? -1 : hook * TABLE_ORDER.length + tableAt;
}

/** Packets whose lines may still come between those of others, on as many processors; older ones are complete. */
const MAX_OPEN = 256;

/** Lines about one trace id so far. */
interface Way {
  open: TraceGroup | undefined;
  pending: { packet: TracePacket; line: Line; stamp: Instant | undefined } | undefined;
  rank: number;
}

/**
 * Gathers PACKET and TRACE lines into packets. Lines of packets that are on their way on several processors stand between
 * each other, so they are told apart by trace id. The kernel uses an id again for later packets of a flow: a PACKET line
 * belongs to the open group of its id only when the headers agree and the base chain that follows lies further along the
 * hooks than the one before.
 */
export class TraceGrouper {
  /** By family and trace id, the one that was heard of last at the end. */
  private readonly ways = new Map<string, Way>();

  /** Takes one line; gives back what ended with it. */
  *take(line: Line): Generator<TraceGroup | TraceEnd | Reject> {
    const stamp = STAMP.exec(line.text);
    const text = line.text.slice(stamp?.[0].length ?? 0).trimStart();
    const at = stamp ? instantFromSeconds(stamp[1] ?? '') : undefined;
    if (text.startsWith('PACKET: ')) yield* this.packet(text.slice(8), line, at);
    else if (text.startsWith('TRACE: ')) yield* this.step(text.slice(7), line);
    else if (/^xtables-monitor v\S+ .*failed/.test(text.slice(0, 200))) {
      yield* this.close();
      yield { ended: true, stamp: at, raw: line.text, line: line.number };
    } else if (!/^(EVENT:|NEWGEN:|Perhaps xtables-monitor)/.test(text)) {
      yield reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected PACKET: or TRACE: after the time.');
    }
  }

  /** Gives back the groups that are open at the end. */
  *close(): Generator<TraceGroup | Reject> {
    for (const way of this.ways.values()) yield* this.end(way);
    this.ways.clear();
  }

  private *end(way: Way): Generator<TraceGroup | Reject> {
    if (way.open) yield way.open;
    if (way.pending)
      yield reject('TRUNCATED', way.pending.line.number, way.pending.line.text, 'No TRACE: line follows.');
    way.open = undefined;
    way.pending = undefined;
    way.rank = -1;
  }

  /** The way of a packet line's id, made last; the oldest one ends when there are too many. */
  private *wayOf(packet: TracePacket): Generator<TraceGroup | Reject, Way> {
    const key = `${packet.family} ${packet.id}`;
    const way = this.ways.get(key) ?? { open: undefined, pending: undefined, rank: -1 };
    this.ways.delete(key);
    this.ways.set(key, way);
    const oldest = this.ways.size > MAX_OPEN ? this.ways.entries().next().value : undefined;
    if (oldest) {
      this.ways.delete(oldest[0]);
      yield* this.end(oldest[1]);
    }
    return way;
  }

  private *packet(text: string, line: Line, stamp: Instant | undefined): Generator<TraceGroup | Reject> {
    const header = traceHeader(text);
    if (!header) {
      yield reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected a family and a trace id after PACKET:.');
      return;
    }
    const packet = { family: header.family, id: header.id, words: packetWords(header.rest, 0) };
    const way = yield* this.wayOf(packet);
    const continues = way.open && sameness(way.open.packet.words) === sameness(packet.words);
    if (way.pending || (way.open && !continues)) yield* this.end(way);
    way.pending = { packet, line, stamp };
  }

  private *step(text: string, line: Line): Generator<TraceGroup | Reject> {
    const step = traceStep(text);
    if (!step) {
      yield reject(
        'UNKNOWN_SYNTAX',
        line.number,
        line.text,
        'Expected table:chain:rule:0xN:VERDICT or …:policy:VERDICT.',
      );
      return;
    }
    const way = this.ways.get(`${step.family} ${step.id}`);
    if (!way?.open && !way?.pending) {
      yield reject('MISSING_FIELD', line.number, line.text, 'No PACKET: line of this trace id stands before it.');
      return;
    }
    yield* place(way, chainRank(step.table, step.chain));
    if (way.open) way.open.lastLine = line.number;
    if (way.open && way.open.steps.length < MAX_STEPS) {
      way.open.steps.push(step);
      way.open.lines.push(line.text);
    }
  }
}

/** The first step after a PACKET line tells whether it is the same packet at a later hook, or another one. */
function* place(way: Way, rank: number): Generator<TraceGroup> {
  if (!way.pending) return;
  const { packet, line, stamp } = way.pending;
  way.pending = undefined;
  if (way.open && rank > way.rank) {
    way.open.packet = packet;
    way.open.lines.push(line.text);
  } else {
    if (way.open) yield way.open;
    way.open = { stamp, packet, steps: [], lines: [line.text], line: line.number, lastLine: line.number };
  }
  way.rank = rank;
}
