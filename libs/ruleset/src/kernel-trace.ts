import { tupleKey, type PacketObservation, type RulesetSnapshot, type TraceHit } from '@whydrop/model';
import { findChain } from './chain-lookup.js';

/** One packet's way as lines of the TRACE target in the kernel log tell it. */
export interface KernelTrace {
  /** The lines, in order. */
  readonly lines: readonly PacketObservation[];
  readonly hits: readonly TraceHit[];
}

const PREFIX = /^TRACE: ([^:]+):([^:]+):(rule|return|policy):(\d+) $/;

interface TraceLine {
  readonly line: PacketObservation;
  readonly table: string;
  readonly chain: string;
  readonly kind: string;
  readonly number: number;
}

function traceLine(line: PacketObservation): TraceLine | undefined {
  const match = PREFIX.exec(line.prefix) ?? PREFIX.exec(`${line.prefix.trimEnd()} `);
  if (!match) return undefined;
  const [, table = '', chain = '', kind = '', number] = match;
  return { line, table, chain, kind, number: Number(number) };
}

/** Packets of one connection differ in their sequence number; NAT on the way changes the tuple, not the number. */
function samePacket(a: PacketObservation, b: PacketObservation): boolean {
  if (a.tcpSequence !== undefined && b.tcpSequence !== undefined) return a.tcpSequence === b.tcpSequence;
  return tupleKey(a.tuple) === tupleKey(b.tuple) && a.length === b.length;
}

/** Whether a line begins a new way: the first table at the first hook, for a packet whose way was further on. */
function beginsAnew({ table, chain }: TraceLine, before: TraceLine): boolean {
  const isFirst = table === 'raw' && (chain === 'PREROUTING' || chain === 'OUTPUT');
  return isFirst && !(before.table === 'raw' && before.chain === chain);
}

/** Verdict of a visited rule: what its target says; a chain policy counts behind the last rule. */
function verdictOf(
  trace: TraceLine,
  snapshot: RulesetSnapshot,
): Pick<TraceHit, 'verdict' | 'jumpTo' | 'text' | 'position'> {
  const chain = findChain(snapshot, trace.table, trace.chain);
  if (trace.kind === 'policy') {
    const verdict = chain?.policy === 'DROP' ? 'POLICY_DROP' : 'POLICY_ACCEPT';
    return { verdict, jumpTo: undefined, text: undefined, position: undefined };
  }
  if (trace.kind === 'return') return { verdict: 'RETURN', jumpTo: undefined, text: undefined, position: trace.number };
  const rule = chain?.rules[trace.number - 1];
  const found = { text: rule?.text, position: trace.number };
  switch (rule?.target) {
    case 'ACCEPT':
    case 'DROP':
    case 'REJECT':
    case 'RETURN':
      return { ...found, verdict: rule.target, jumpTo: undefined };
    default: {
      const isJump = rule?.target !== undefined && findChain(snapshot, trace.table, rule.target) !== undefined;
      if (!isJump) return { ...found, verdict: 'CONTINUE', jumpTo: undefined };
      return { ...found, verdict: rule.isGoto ? 'GOTO' : 'JUMP', jumpTo: rule.target };
    }
  }
}

/**
 * Gathers lines of the TRACE target (legacy iptables) into packets. A line names table, chain and 1-based position; text
 * and verdict come from the ruleset of that time. Other lines are passed over. Format: torvalds/linux
 * `net/ipv4/netfilter/ip_tables.c` (trace_packet).
 */
export function kernelTraces(lines: readonly PacketObservation[], snapshot: RulesetSnapshot): readonly KernelTrace[] {
  const traces: { lines: PacketObservation[]; hits: TraceHit[]; last: TraceLine }[] = [];
  for (const trace of lines.map(traceLine).filter((line) => line !== undefined)) {
    const open = traces.findLast(({ last }) => samePacket(last.line, trace.line));
    const hit: TraceHit = {
      table: trace.table,
      chain: trace.chain,
      handle: undefined,
      ...verdictOf(trace, snapshot),
    };
    if (!open || beginsAnew(trace, open.last)) traces.push({ lines: [trace.line], hits: [hit], last: trace });
    else {
      open.lines.push(trace.line);
      open.hits.push(hit);
      open.last = trace;
    }
  }
  return traces.map(({ lines: own, hits }) => ({ lines: own, hits }));
}
