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
  const tableAt = TABLE_ORDER.indexOf(table);
  return hook < 0 || tableAt < 0 ? -1 : hook * TABLE_ORDER.length + tableAt;
}

/**
 * Gathers consecutive PACKET and TRACE lines into packets. The kernel uses a trace id again for later packets of a
 * flow, so that a PACKET line belongs to the open group only when id and headers agree and the base chain that
 * follows lies further along the hooks than the one before.
 */
export class TraceGrouper {
  private open: TraceGroup | undefined;
  private pending: { packet: TracePacket; line: Line; stamp: Instant | undefined } | undefined;
  private rank = -1;

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

  /** Gives back the group that is open at the end. */
  *close(): Generator<TraceGroup | Reject> {
    if (this.open) yield this.open;
    if (this.pending)
      yield reject('TRUNCATED', this.pending.line.number, this.pending.line.text, 'No TRACE: line follows.');
    this.open = undefined;
    this.pending = undefined;
    this.rank = -1;
  }

  private *packet(text: string, line: Line, stamp: Instant | undefined): Generator<TraceGroup | Reject> {
    const header = traceHeader(text);
    if (!header) {
      yield reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected a family and a trace id after PACKET:.');
      return;
    }
    const packet = { family: header.family, id: header.id, words: packetWords(header.rest, 0) };
    if (this.pending || (this.open && !this.mayContinue(packet))) yield* this.close();
    this.pending = { packet, line, stamp };
  }

  private mayContinue(packet: TracePacket): boolean {
    const before = this.open?.packet;
    return (
      before?.id === packet.id && before.family === packet.family && sameness(before.words) === sameness(packet.words)
    );
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
    const expected = this.pending?.packet ?? this.open?.packet;
    if (expected?.id !== step.id || expected.family !== step.family) {
      yield reject('MISSING_FIELD', line.number, line.text, 'No PACKET: line of this trace id stands before it.');
      return;
    }
    yield* this.place(chainRank(step.table, step.chain));
    if (this.open && this.open.steps.length < MAX_STEPS) {
      this.open.steps.push(step);
      this.open.lines.push(line.text);
    }
  }

  /** The first step after a PACKET line tells whether it is the same packet at a later hook, or another one. */
  private *place(rank: number): Generator<TraceGroup> {
    if (!this.pending) return;
    const { packet, line, stamp } = this.pending;
    this.pending = undefined;
    if (this.open && rank > this.rank) {
      this.open.packet = packet;
      this.open.lines.push(line.text);
    } else {
      if (this.open) yield this.open;
      this.open = { stamp, packet, steps: [], lines: [line.text], line: line.number };
    }
    this.rank = rank;
  }
}
