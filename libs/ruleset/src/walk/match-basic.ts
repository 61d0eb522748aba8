import { hasPorts, protocolFromName } from '@whydrop/model';
import type { RuleMatch, RuleOption } from '../rule-syntax.js';
import { netContains, parseNet } from './address.js';
import { ALWAYS, negated, type Criterion } from './criterion.js';
import { visibleInterface, type WalkState } from './state.js';

type Compile = (option: RuleOption) => Criterion | undefined;

/** Compares an interface name as the kernel does: `eth+` is a prefix; a packet without interface has the empty name. */
export function interfaceMatches(pattern: string, name: string | null): boolean {
  const actual = name ?? '';
  return pattern.endsWith('+') ? actual.startsWith(pattern.slice(0, -1)) : actual === pattern;
}

function addressCriterion(option: RuleOption, side: 'source' | 'destination'): Criterion | undefined {
  const net = parseNet(option.values[0] ?? '');
  if (!net) return undefined;
  return {
    isFact: true,
    text: `${option.name} ${option.values[0]}`,
    missing: `${side} address`,
    test: (state) => {
      const { address } = state[side];
      return address === undefined ? undefined : netContains(net, address);
    },
  };
}

function interfaceCriterion(option: RuleOption, side: 'inInterface' | 'outInterface'): Criterion {
  const pattern = option.values[0] ?? '';
  return {
    isFact: true,
    text: `${option.name} ${pattern}`,
    missing: side === 'inInterface' ? 'input interface' : 'output interface',
    test: (state, world) => {
      const name = visibleInterface(state, side, world);
      return name === undefined ? undefined : interfaceMatches(pattern, name);
    },
  };
}

function protocolCriterion(option: RuleOption): Criterion | undefined {
  const name = option.values[0] ?? '';
  if (name === 'all' || name === '0') return ALWAYS;
  const protocol = protocolFromName(name);
  if (protocol === undefined) return undefined;
  return { isFact: true, text: `-p ${name}`, missing: 'protocol', test: (state) => state.protocol === protocol };
}

const FRAGMENT: Criterion = {
  isFact: true,
  text: '-f',
  missing: 'whether it is a fragment',
  test: (state) => state.packet.isFragment ?? (hasPorts(state.protocol) ? false : undefined),
};

const BASIC: Readonly<Record<string, Compile>> = {
  '-s': (option) => addressCriterion(option, 'source'),
  '-d': (option) => addressCriterion(option, 'destination'),
  '-i': (option) => interfaceCriterion(option, 'inInterface'),
  '-o': (option) => interfaceCriterion(option, 'outInterface'),
  '-p': protocolCriterion,
  '-f': () => FRAGMENT,
};

function portRange(text: string): readonly [number, number] {
  const [low = '', high] = text.split(':');
  return [low === '' ? 0 : Number(low), high === undefined ? Number(low) : high === '' ? 65535 : Number(high)];
}

function portCriterion(option: RuleOption, side: 'source' | 'destination'): Criterion {
  const [low, high] = portRange(option.values[0] ?? '');
  return {
    isFact: true,
    text: `${option.name} ${option.values[0]}`,
    missing: `${side} port`,
    test: (state) => {
      const { port } = state[side];
      return port === undefined ? undefined : port >= low && port <= high;
    },
  };
}

/** Whether a port is in a list as multiport has it: `80,443,8000:8080`. */
function inPortList(ranges: readonly (readonly [number, number])[], port: number | undefined): boolean | undefined {
  if (port === undefined) return undefined;
  return ranges.some(([low, high]) => port >= low && port <= high);
}

function either(a: boolean | undefined, b: boolean | undefined): boolean | undefined {
  if (a === true || b === true) return true;
  return a === undefined || b === undefined ? undefined : false;
}

function multiportCriterion(option: RuleOption): Criterion | undefined {
  const ranges = (option.values[0] ?? '').split(',').map(portRange);
  const question = { isFact: true, text: `${option.name} ${option.values[0]}` };
  const source = (state: WalkState) => inPortList(ranges, state.source.port);
  const destination = (state: WalkState) => inPortList(ranges, state.destination.port);
  switch (option.name) {
    case '--sports':
      return { ...question, missing: 'source port', test: source };
    case '--dports':
      return { ...question, missing: 'destination port', test: destination };
    case '--ports':
      return { ...question, missing: 'ports', test: (state) => either(source(state), destination(state)) };
    default:
      return undefined;
  }
}

const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];

function flagSet(text: string): ReadonlySet<string> {
  if (text === 'NONE') return new Set();
  return new Set(text === 'ALL' ? FLAGS.slice(0, 6) : text.split(','));
}

/**
 * `--tcp-flags MASK COMP`. A packet that conntrack calls NEW is taken for a plain SYN only where its flags are known:
 * with tcp_loose a bare ACK is NEW too.
 */
function tcpFlagsCriterion(option: RuleOption): Criterion {
  const mask = flagSet(option.values[0] ?? '');
  const wanted = flagSet(option.values[1] ?? '');
  return {
    isFact: true,
    text: `--tcp-flags ${option.values.join(' ')}`,
    missing: 'TCP flags',
    test: ({ packet: { tcpFlags } }) => {
      if (!tcpFlags) return undefined;
      const set = new Set<string>(tcpFlags);
      return [...mask].every((flag) => set.has(flag) === wanted.has(flag));
    },
  };
}

const TRANSPORT: Readonly<Record<string, Compile>> = {
  '--sport': (option) => portCriterion(option, 'source'),
  '--dport': (option) => portCriterion(option, 'destination'),
  '--tcp-flags': tcpFlagsCriterion,
};

/** ICMP types that iptables-save prints by name in some versions. */
const ICMP_NAMES: Readonly<Record<string, string>> = {
  any: 'any',
  'echo-reply': '0',
  'destination-unreachable': '3',
  'source-quench': '4',
  redirect: '5',
  'echo-request': '8',
  'time-exceeded': '11',
  'parameter-problem': '12',
  'packet-too-big': '2',
  'router-solicitation': '133',
  'router-advertisement': '134',
  'neighbour-solicitation': '135',
  'neighbour-advertisement': '136',
};

function icmpCriterion(option: RuleOption): Criterion | undefined {
  const text = option.values[0] ?? '';
  const spelled = ICMP_NAMES[text] ?? text;
  if (spelled === 'any' || spelled === '255') return ALWAYS;
  const match = /^(\d+)(?:\/(\d+))?$/.exec(spelled);
  if (!match) return undefined;
  const type = Number(match[1]);
  const code = match[2] === undefined ? undefined : Number(match[2]);
  return {
    isFact: true,
    text: `${option.name} ${spelled}`,
    missing: 'ICMP type',
    test: ({ icmp }) => icmp && icmp.type === type && (code === undefined || icmp.code === code),
  };
}

function withNegation(option: RuleOption, criterion: Criterion | undefined): Criterion | undefined {
  return criterion && (option.negated ? negated(criterion) : criterion);
}

function each(match: RuleMatch, table: Readonly<Record<string, Compile>>): readonly (Criterion | undefined)[] {
  return match.options.map((option) => withNegation(option, table[option.name]?.(option)));
}

/** Criteria of the basic options; undefined stands for one that is not understood. */
export function basicCriteria(match: RuleMatch): readonly (Criterion | undefined)[] {
  return each(match, BASIC);
}

/** Criteria of tcp, udp, udplite, sctp, dccp, multiport and ICMP matches. */
export function transportCriteria(match: RuleMatch): readonly (Criterion | undefined)[] {
  if (match.module === 'multiport') {
    return match.options.map((option) => withNegation(option, multiportCriterion(option)));
  }
  return each(match, {
    ...TRANSPORT,
    '--icmp-type': icmpCriterion,
    '--icmpv6-type': icmpCriterion,
  });
}
