import type { Instant } from '@whydrop/model';
import type { PacketWords } from '../kernel-log/fields.js';

/** `PACKET:` line: the headers, printed again at every base chain. */
export interface TracePacket {
  readonly family: 'inet' | 'inet6';
  readonly id: string;
  readonly words: PacketWords;
}

/** ` TRACE:` line: one visited rule, or the chain policy. */
export interface TraceStep {
  readonly family: 'inet' | 'inet6';
  readonly id: string;
  readonly table: string;
  readonly chain: string;
  readonly handle: number | undefined;
  readonly isPolicy: boolean;
  readonly verdict: string;
  readonly target: string | undefined;
  /** From `-A` on; absent when the reader could not print the rule. */
  readonly text: string | undefined;
}

/** Lines about one packet on its way through the base chains. */
export interface TraceGroup {
  readonly stamp: Instant | undefined;
  packet: TracePacket;
  readonly steps: TraceStep[];
  readonly lines: string[];
  readonly line: number;
  /** Number of the last line about it: lines of other packets may stand before that one. */
  lastLine: number;
}

const HEADER = /^(2|10) ([0-9a-f]{1,16}) /;
const STEP =
  /^(\S{1,64}):([^\s:]{1,64}):(?:rule:0x([0-9a-f]{1,16})|policy):([A-Z]+|0x[0-9a-f]{1,8})(?::(\S{1,64}))?(?:\s|$)/;

function familyOf(text: string | undefined): 'inet' | 'inet6' {
  return text === '10' ? 'inet6' : 'inet';
}

/** Family and trace id in front, and the rest. */
export function traceHeader(text: string): { family: 'inet' | 'inet6'; id: string; rest: string } | undefined {
  const match = HEADER.exec(text);
  return match ? { family: familyOf(match[1]), id: match[2] ?? '', rest: text.slice(match[0].length) } : undefined;
}

/** Reads `filter:FORWARD:rule:0x9:JUMP:POL-IN-B  -4 -t filter -A FORWARD …`; undefined when it has another shape. */
export function traceStep(text: string): TraceStep | undefined {
  const header = traceHeader(text);
  const match = header && STEP.exec(header.rest);
  if (!header || !match) return undefined;
  const rule = header.rest.indexOf(' -A ');
  return {
    family: header.family,
    id: header.id,
    table: match[1] ?? '',
    chain: match[2] ?? '',
    handle: match[3] === undefined ? undefined : Number.parseInt(match[3], 16),
    isPolicy: match[3] === undefined,
    verdict: match[4] ?? '',
    target: match[5],
    text: rule < 0 ? undefined : header.rest.slice(rule + 1).trimEnd(),
  };
}
