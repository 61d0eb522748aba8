import { protocolFromName, protocolNumber } from '@whydrop/model';
import type { FlowEvent, Reject } from '@whydrop/model';
import type { Decoder } from '../decoder.js';
import { flowOf } from '../conntrack-events/normalise.js';
import { emptyTuple } from '../conntrack-events/record.js';
import type { ConntrackRecord } from '../conntrack-events/record.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';

const EVENTS: Readonly<Record<string, FlowEvent>> = { '-A': 'new', '-U': 'update', '-D': 'destroy' };
/** Answer to an ICMP query, which this form does not print. */
const ICMP_REPLY: Readonly<Record<number, number>> = {
  8: 0,
  0: 8,
  13: 14,
  14: 13,
  15: 16,
  16: 15,
  17: 18,
  18: 17,
  128: 129,
  129: 128,
};

/** `-s 10.0.0.1 --sport 5 …`: options and their values. */
function optionsOf(words: readonly string[]): Map<string, string> {
  const options = new Map<string, string>();
  for (let i = 1; i + 1 < words.length; i += 2) options.set(words[i] ?? '', words[i + 1] ?? '');
  return options;
}

function numberOf(options: ReadonlyMap<string, string>, name: string): number {
  const text = options.get(name);
  if (text === undefined) return -1;
  if (/^0x[0-9a-f]{1,8}$/i.test(text)) return Number(text);
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}

/** `--icmp-type`, and `--icmpv6-type` for IPv6. */
function icmpNumber(options: ReadonlyMap<string, string>, name: string): number {
  const number = numberOf(options, `--icmp-${name}`);
  return number === -1 ? numberOf(options, `--icmpv6-${name}`) : number;
}

/** DNAT is printed with `-g`, SNAT with `-n`, in place of the plain reply addresses `-r` and `-q`. */
function fill(record: ConntrackRecord, options: ReadonlyMap<string, string>): ConntrackRecord {
  const { original, reply } = record;
  original.src = options.get('-s') ?? '';
  original.dst = options.get('-d') ?? '';
  reply.src = options.get('-r') ?? options.get('-g') ?? '';
  reply.dst = options.get('-q') ?? options.get('-n') ?? '';
  original.sport = numberOf(options, '--sport');
  original.dport = numberOf(options, '--dport');
  reply.sport = numberOf(options, '--reply-port-src');
  reply.dport = numberOf(options, '--reply-port-dst');
  original.type = icmpNumber(options, 'type');
  original.code = icmpNumber(options, 'code');
  original.icmpId = icmpNumber(options, 'id');
  reply.type = ICMP_REPLY[original.type] ?? original.type;
  reply.code = original.code;
  reply.icmpId = original.icmpId;
  return record;
}

function problemOf(record: ConntrackRecord): 'TRUNCATED' | 'BAD_VALUE' | undefined {
  const { original, reply, protocol } = record;
  const numbers = [original.sport, original.dport, reply.sport, reply.dport, original.type, original.code, protocol];
  if (numbers.some((number) => Number.isNaN(number) || number > 65_535)) return 'BAD_VALUE';
  if ([original.src, original.dst, reply.src, reply.dst].includes('')) return 'TRUNCATED';
  const ported = [6, 17, 33, 132, 136].includes(protocol);
  return ported && [original.sport, original.dport, reply.sport, reply.dport].includes(-1) ? 'TRUNCATED' : undefined;
}

function readLine(line: Line): ConntrackRecord | Reject | undefined {
  if (/^(#|conntrack v)/.test(line.text)) return undefined;
  const words = line.text.trim().split(/ +/);
  const event = EVENTS[words[0] ?? ''];
  const options = optionsOf(words);
  const protocol = protocolFromName(options.get('-p') ?? '');
  if (event === undefined) return reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected -A, -U or -D in front.');
  if (protocol === undefined) return reject('MISSING_FIELD', line.number, line.text, 'Expected "-p PROTOCOL".');
  const flags = (options.get('-u') ?? '').split(',');
  const timeout = numberOf(options, '-t');
  const record = fill(
    {
      line: line.number,
      raw: line.text,
      stamp: undefined,
      event,
      protocol: protocolNumber(protocol),
      timeout: timeout >= 0 ? timeout : undefined,
      state: options.get('--state'),
      original: emptyTuple(),
      reply: emptyTuple(),
      unreplied: !flags.includes('SEEN_REPLY'),
      assured: flags.includes('ASSURED'),
      mark: options.has('-m') ? numberOf(options, '-m') : undefined,
      zone: options.has('-w') ? numberOf(options, '-w') : undefined,
      id: undefined,
      start: undefined,
      stop: undefined,
    },
    options,
  );
  const problem = problemOf(record);
  return problem === undefined
    ? record
    : reject(problem, line.number, line.text, 'An address or a port is missing or not valid.');
}

export const conntrackSave: Decoder<ConntrackRecord> = {
  format: 'conntrack-save',
  doc: '`conntrack -E|-L -o save`: options as `conntrack -A` takes them; no counters (conntrack-tools `conntrack.c`)',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise: flowOf,
};
