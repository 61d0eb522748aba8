import { hasPorts } from '@whydrop/model';
import type { NoticeObservation, Protocol, Reject, TraceHit, TraceObservation } from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import type { Decoder, StreamContext } from '../decoder.js';
import { argumentsOf, ruleHead } from '../iptables-save/rule.js';
import { decimal } from '../kernel-log/fields.js';
import { flagsOf, interfaceOf, markOf, protocolOf } from '../kernel-log/packet.js';
import { linesOf, LINE_LIMIT, reject } from '../lines.js';
import { TraceGrouper } from './group.js';
import type { TraceEnd } from './group.js';
import type { TraceGroup, TraceStep } from './record.js';

const RAW_LINES = 64;
/** Length of an IPv6 header, which `LEN=` of a trace leaves out. */
const IPV6_HEADER = 40;
/** NFT_RETURN (-5) as the reader prints it. */
const RETURN = '0xfffffffb';

function* decode(payload: string, context: StreamContext): Generator<TraceGroup | TraceEnd | Reject> {
  const grouper = new TraceGrouper();
  for (const line of linesOf(payload, context.firstLine)) {
    if (line.text.length > LINE_LIMIT) yield reject('TOO_LONG', line.number, line.text, 'The line is too long.');
    else if (line.text.trim() !== '') yield* grouper.take(line);
  }
  yield* grouper.close();
}

/** What the step decided. REJECT is printed as DROP: the rule's text tells. Undefined for a verdict we do not know. */
function verdictOf(step: TraceStep): TraceHit['verdict'] | undefined {
  if (step.isPolicy) return step.verdict === 'DROP' ? 'POLICY_DROP' : 'POLICY_ACCEPT';
  switch (step.verdict) {
    case 'DROP':
      return ruleHead(step.text ?? '')?.target === 'REJECT' ? 'REJECT' : 'DROP';
    case RETURN:
    case 'RETURN':
      return 'RETURN';
    case 'ACCEPT':
    case 'CONTINUE':
    case 'JUMP':
    case 'GOTO':
      return step.verdict;
    default:
      return undefined;
  }
}

function hitOf(step: TraceStep): TraceHit | undefined {
  const verdict = verdictOf(step);
  if (verdict === undefined) return undefined;
  return {
    table: step.table,
    chain: step.chain,
    handle: step.handle,
    position: undefined,
    verdict,
    jumpTo: step.target,
    text: step.text,
  };
}

/** Protocol a visited rule asked for: the packet matched it, so the packet has it. */
function matchedProtocol(steps: readonly TraceStep[]): Protocol | undefined {
  for (const { text } of steps) {
    const words = text === undefined ? [] : (argumentsOf(text) ?? []);
    const at = words.indexOf('-p');
    const protocol = at > 0 && words[at - 1] !== '!' ? protocolOf(words[at + 1] ?? '') : undefined;
    if (protocol !== undefined) return protocol;
  }
  return undefined;
}

/**
 * PACKET lines name no protocol. A matching rule may; else TCP flags mean TCP, ports without flags UDP (the reader
 * prints ports of these two only), and no ports ICMP, which is what remains in practice.
 */
function protocolOfGroup(group: TraceGroup): Protocol {
  const { words, family } = group.packet;
  const matched = matchedProtocol(group.steps);
  if (matched !== undefined) return matched;
  if (flagsOf(words).length > 0) return 'TCP';
  if (words.values.has('SPORT')) return 'UDP';
  return family === 'inet' ? 'ICMP' : 'ICMPv6';
}

function lengthOf(group: TraceGroup): number | undefined {
  const length = decimal(group.packet.words, 'LEN');
  return length === undefined || group.packet.family === 'inet' ? length : length + IPV6_HEADER;
}

function tupleOf(group: TraceGroup): TraceObservation['tuple'] | undefined {
  const { words } = group.packet;
  const source = canonicalAddress(words.values.get('SRC') ?? '');
  const destination = canonicalAddress(words.values.get('DST') ?? '');
  if (source === undefined || destination === undefined) return undefined;
  const protocol = protocolOfGroup(group);
  return {
    protocol,
    source,
    destination,
    sourcePort: hasPorts(protocol) ? decimal(words, 'SPORT') : undefined,
    destinationPort: hasPorts(protocol) ? decimal(words, 'DPORT') : undefined,
    icmp: undefined,
  };
}

function normalise(
  group: TraceGroup | TraceEnd,
  context: StreamContext,
): TraceObservation | NoticeObservation | Reject {
  const raw = 'ended' in group ? group.raw : group.lines.slice(0, RAW_LINES).join('\n');
  const observedAt = group.stamp ?? context.observedFrom;
  if (observedAt === undefined) return reject('NO_TIME', group.line, raw, 'Expected a time in front of the line.');
  if ('ended' in group) return { kind: 'notice', observedAt, notice: 'TRACE_STOPPED', raw, line: group.line };
  const tuple = tupleOf(group);
  if (!tuple) return reject('BAD_VALUE', group.line, raw, 'SRC= or DST= is missing or no address.');
  const { words, family, id } = group.packet;
  return {
    kind: 'trace',
    observedAt,
    family,
    traceId: id,
    hits: group.steps.flatMap((step) => hitOf(step) ?? []),
    tuple,
    inInterface: interfaceOf(words, 'IN'),
    outInterface: interfaceOf(words, 'OUT'),
    physicalIn: undefined,
    physicalOut: undefined,
    tcpFlags: flagsOf(words),
    tcpSequence: undefined,
    length: lengthOf(group),
    mark: markOf(words),
    raw,
    line: group.line,
  };
}

export const xtablesTrace: Decoder<TraceGroup | TraceEnd> = {
  format: 'xtables-trace',
  doc: '`xtables-monitor --trace` with an epoch time in front of each line (iptables `xtables-monitor.c`)',
  decode,
  normalise,
};
