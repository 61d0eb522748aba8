import { type Protocol, reversedTuple, type TcpFlag, type Tuple } from '@whydrop/model';
import type { CtState, WalkPacket } from '@whydrop/ruleset';
import type { PacketPlan } from './packets.js';
import type { Random } from './random.js';
import { Pool, type RulesetPlan } from './rulesets.js';
import { BRIDGE, INTERFACES } from './topology.js';

/** Where a frame is put on the wire. */
interface Link {
  readonly peer: string;
  readonly sourceMac: string;
  readonly destinationMac: string;
}

/** One packet to be sent, what conntrack must hold before, and the same packet for the walk. */
export interface Shot {
  readonly plan: PacketPlan;
  /** Undefined: the node sends it. */
  readonly link: Link | undefined;
  /** Connections to be entered before it is sent. */
  readonly entries: readonly (readonly string[])[];
  readonly packet: WalkPacket;
}

/** Both ends of a packet and how it gets to the node. */
interface Way {
  readonly link: Link | undefined;
  readonly source: string;
  readonly destination: string;
  readonly facts: Partial<WalkPacket>;
}

interface Choice {
  readonly ctstate: CtState;
  readonly flags: readonly TcpFlag[];
}

const TCP_CHOICES: readonly Choice[] = [
  { ctstate: 'NEW', flags: ['SYN'] },
  { ctstate: 'NEW', flags: ['SYN'] },
  { ctstate: 'NEW', flags: ['ACK'] },
  { ctstate: 'ESTABLISHED', flags: ['ACK'] },
  { ctstate: 'ESTABLISHED', flags: ['PSH', 'ACK'] },
  { ctstate: 'INVALID', flags: ['RST'] },
  { ctstate: 'INVALID', flags: ['SYN', 'ACK'] },
];

const NOT_BRIDGED: Partial<WalkPacket> = { physicalIn: null, physicalOut: null };

/** Arguments for `conntrack -I` that enter a connection as if both ends had talked. */
function entry(tuple: Tuple, connmark: number): readonly string[] {
  const ports = [`--sport`, String(tuple.sourcePort), '--dport', String(tuple.destinationPort)];
  const state = tuple.protocol === 'TCP' ? ['--state', 'ESTABLISHED'] : [];
  const ends = ['-s', tuple.source, '-d', tuple.destination];
  const status = ['-u', 'SEEN_REPLY,ASSURED', '-t', '300', '--mark', String(connmark)];
  return ['-I', '-p', tuple.protocol.toLowerCase(), ...ends, ...ports, ...state, ...status];
}

/** Makes packets no two of which have the same ends, so that each is the first of its connection. */
export class Traffic {
  readonly #random: Random;
  readonly #pool: Pool;
  readonly #ruleset: RulesetPlan;
  #port: number;
  #id: number;

  constructor(random: Random, ruleset: RulesetPlan, start: number) {
    this.#random = random;
    this.#ruleset = ruleset;
    this.#pool = new Pool(ruleset.family, random);
    this.#port = 20_000 + (start % 30_000);
    this.#id = 1 + (start % 60_000);
  }

  #way(): Way {
    const random = this.#random;
    if (this.#ruleset.isBridged && random.chance(0.7)) return this.#bridgedWay();
    if (random.chance(0.2)) return this.#localWay();
    const side = random.integer(0, INTERFACES.length - 1);
    const others = [0, 1, 2].filter((each) => each !== side);
    const isSpoofed = random.chance(0.05);
    const source = this.#pool.host(isSpoofed ? random.pick(others) : side);
    const { name = '', peer = '', mac = '', peerMac = '' } = INTERFACES[side] ?? {};
    const roll = random.next();
    const destination =
      roll < 0.2
        ? this.#pool.host(random.integer(0, 2), 1)
        : roll < 0.4
          ? this.#pool.service()
          : this.#pool.host(random.pick(others));
    const link = { peer, sourceMac: peerMac, destinationMac: mac };
    return { link, source, destination, facts: { ...NOT_BRIDGED, inInterface: name, reversePath: !isSpoofed } };
  }

  #localWay(): Way {
    const random = this.#random;
    const destination = random.chance(0.2) ? this.#pool.service() : this.#pool.host();
    const source = this.#pool.host(random.integer(0, 2), 1);
    return { link: undefined, source, destination, facts: { ...NOT_BRIDGED, inInterface: null } };
  }

  /** From one port of the bridge to the other, or back. */
  #bridgedWay(): Way {
    const [first, second] = this.#random.chance(0.5) ? BRIDGE.ports : [BRIDGE.ports[1], BRIDGE.ports[0]];
    const link = { peer: first.peer, sourceMac: first.mac, destinationMac: second.mac };
    const facts = {
      inInterface: BRIDGE.name,
      outInterface: BRIDGE.name,
      physicalIn: first.name,
      physicalOut: second.name,
    };
    return { link, source: this.#pool.host(), destination: this.#pool.host(), facts };
  }

  #plan(tuple: Tuple, tcpFlags: readonly TcpFlag[], isLocal: boolean, about?: PacketPlan): PacketPlan {
    const payload = this.#random.pick([0, 0, 10, 40]);
    return { tuple, tcpFlags, ttl: isLocal ? 77 : 64, id: this.#id++, payload, about };
  }

  shot(): Shot {
    const random = this.#random;
    const way = this.#way();
    const protocol = random.pick<Protocol>(['TCP', 'TCP', 'TCP', 'UDP', 'UDP', 'ICMP']);
    if (protocol === 'ICMP') return random.chance(0.4) ? this.#error(way) : this.#echo(way);
    const tuple: Tuple = {
      protocol,
      source: way.source,
      destination: way.destination,
      sourcePort: this.#port++,
      destinationPort: random.pick(this.#ruleset.ports),
      icmp: undefined,
    };
    const udp = { ctstate: random.pick<CtState>(['NEW', 'NEW', 'ESTABLISHED']), flags: [] };
    const choice = protocol === 'TCP' ? random.pick(TCP_CHOICES) : udp;
    const known = choice.ctstate === 'ESTABLISHED' ? this.#established(tuple) : { entries: [], facts: {} };
    const plan = this.#plan(tuple, choice.flags, way.link === undefined);
    const flags = protocol === 'TCP' ? { tcpFlags: choice.flags } : {};
    return this.#finish(plan, way, known.entries, { ctstate: choice.ctstate, ...flags, ...known.facts });
  }

  /** A connection of which this packet is a later one, in either direction. */
  #established(tuple: Tuple): { readonly entries: Shot['entries']; readonly facts: Partial<WalkPacket> } {
    const random = this.#random;
    const connmark = random.pick([0, 0, 1, 0x10000, 0x11]);
    const isReply = random.chance(0.4);
    const ctOriginal = isReply ? reversedTuple(tuple) : tuple;
    const ctDirection = isReply ? 'REPLY' : 'ORIGINAL';
    return {
      entries: [entry(ctOriginal, connmark)],
      facts: { ctOriginal, ctDirection, isDnat: false, isSnat: false, connmark },
    };
  }

  #icmpTuple(way: Way, type: number, code: number, id: number | undefined): Tuple {
    const protocol = this.#ruleset.family === 'inet' ? 'ICMP' : 'ICMPv6';
    const { source, destination } = way;
    return {
      protocol,
      source,
      destination,
      sourcePort: undefined,
      destinationPort: undefined,
      icmp: { type, code, id },
    };
  }

  #echo(way: Way): Shot {
    const isRequest = this.#random.chance(0.7);
    const [request, reply] = this.#ruleset.family === 'inet' ? [8, 0] : [128, 129];
    const tuple = this.#icmpTuple(way, isRequest ? request : reply, 0, this.#port++);
    const plan = this.#plan(tuple, [], way.link === undefined);
    return this.#finish(plan, way, [], { ctstate: isRequest ? 'NEW' : 'INVALID' });
  }

  /** An ICMP error about a connection that conntrack knows: RELATED. */
  #error(way: Way): Shot {
    const [type, code] = this.#ruleset.family === 'inet' ? [3, 3] : [1, 4];
    const ctOriginal: Tuple = {
      protocol: 'UDP',
      source: way.destination,
      destination: way.source,
      sourcePort: this.#port++,
      destinationPort: this.#random.pick(this.#ruleset.ports),
      icmp: undefined,
    };
    const about = this.#plan(ctOriginal, [], false);
    const plan = this.#plan(this.#icmpTuple(way, type, code, undefined), [], way.link === undefined, about);
    const facts: Partial<WalkPacket> = { ctOriginal, ctDirection: 'REPLY', isDnat: false, isSnat: false, connmark: 0 };
    return this.#finish(plan, way, [entry(ctOriginal, 0)], { ctstate: 'RELATED', ...facts });
  }

  #finish(plan: PacketPlan, way: Way, entries: Shot['entries'], known: Partial<WalkPacket>): Shot {
    const own: Partial<WalkPacket> = { mark: 0, ttl: plan.ttl, uid: 0, gid: 0, isFragment: false };
    return { plan, link: way.link, entries, packet: { tuple: plan.tuple, ...own, ...way.facts, ...known } };
  }
}
