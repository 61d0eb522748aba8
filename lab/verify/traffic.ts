import type { Protocol, TcpFlag, Tuple } from '@whydrop/model';
import type { CtState, WalkPacket } from '@whydrop/ruleset';
import type { PacketPlan } from './packets.js';
import type { Random } from './random.js';
import { INTERFACES } from './topology.js';
import { Pool, type RulesetPlan } from './rulesets.js';

/** One packet to be sent, what conntrack must hold before, and the same packet for the walk. */
export interface Shot {
  readonly plan: PacketPlan;
  /** Interface it comes in by; null: the node sends it. */
  readonly from: string | null;
  /** Connections to be entered before it is sent. */
  readonly entries: readonly (readonly string[])[];
  readonly packet: WalkPacket;
}

type Choice = { readonly ctstate: CtState; readonly flags: readonly TcpFlag[] };

const TCP_CHOICES: readonly Choice[] = [
  { ctstate: 'NEW', flags: ['SYN'] },
  { ctstate: 'NEW', flags: ['SYN'] },
  { ctstate: 'NEW', flags: ['ACK'] },
  { ctstate: 'ESTABLISHED', flags: ['ACK'] },
  { ctstate: 'ESTABLISHED', flags: ['PSH', 'ACK'] },
  { ctstate: 'INVALID', flags: ['RST'] },
  { ctstate: 'INVALID', flags: ['SYN', 'ACK'] },
];

function reversed(tuple: Tuple): Tuple {
  return {
    ...tuple,
    source: tuple.destination,
    destination: tuple.source,
    sourcePort: tuple.destinationPort,
    destinationPort: tuple.sourcePort,
  };
}

/** Arguments for `conntrack -I` that enter a connection as if both ends had talked. */
function entry(tuple: Tuple, connmark: number): readonly string[] {
  const ports = [`--sport`, String(tuple.sourcePort), '--dport', String(tuple.destinationPort)];
  const state = tuple.protocol === 'TCP' ? ['--state', 'ESTABLISHED'] : [];
  const ends = ['-s', tuple.source, '-d', tuple.destination];
  const status = ['-u', 'SEEN_REPLY,ASSURED', '-t', '300', '--mark', String(connmark)];
  return ['-I', '-p', tuple.protocol.toLowerCase(), ...ends, ...ports, ...state, ...status];
}

/** Makes packets that no two of have the same ends, so that each is the first of its connection. */
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

  #ends(): {
    readonly from: string | null;
    readonly source: string;
    readonly destination: string;
    readonly isSpoofed: boolean;
  } {
    const random = this.#random;
    const side = random.integer(0, INTERFACES.length - 1);
    const others = [0, 1, 2].filter((each) => each !== side);
    if (random.chance(0.2)) {
      const target = random.chance(0.2) ? this.#pool.service() : this.#pool.host();
      return { from: null, source: this.#pool.host(random.integer(0, 2), 1), destination: target, isSpoofed: false };
    }
    const isSpoofed = random.chance(0.05);
    const source = this.#pool.host(isSpoofed ? random.pick(others) : side);
    const link = INTERFACES[side]?.name ?? '';
    if (random.chance(0.2))
      return { from: link, source, destination: this.#pool.host(random.integer(0, 2), 1), isSpoofed };
    if (random.chance(0.3)) return { from: link, source, destination: this.#pool.service(), isSpoofed };
    return { from: link, source, destination: this.#pool.host(random.pick(others)), isSpoofed };
  }

  #plan(tuple: Tuple, tcpFlags: readonly TcpFlag[], isLocal: boolean, about?: PacketPlan): PacketPlan {
    const payload = this.#random.pick([0, 0, 10, 40]);
    return { tuple, tcpFlags, ttl: isLocal ? 77 : 64, id: this.#id++, payload, about };
  }

  shot(): Shot {
    const random = this.#random;
    const ends = this.#ends();
    const protocol = random.pick<Protocol>(['TCP', 'TCP', 'TCP', 'UDP', 'UDP', 'ICMP']);
    if (protocol === 'ICMP') return random.chance(0.4) ? this.#error(ends) : this.#echo(ends);
    const tuple: Tuple = {
      protocol,
      source: ends.source,
      destination: ends.destination,
      sourcePort: this.#port++,
      destinationPort: random.pick(this.#ruleset.ports),
      icmp: undefined,
    };
    const choice = protocol === 'TCP' ? random.pick(TCP_CHOICES) : this.#udpChoice();
    const connmark = choice.ctstate === 'ESTABLISHED' ? random.pick([0, 0, 1, 0x10000, 0x11]) : 0;
    const isReply = choice.ctstate === 'ESTABLISHED' && random.chance(0.4);
    const original = isReply ? reversed(tuple) : tuple;
    const entries = choice.ctstate === 'ESTABLISHED' ? [entry(original, connmark)] : [];
    const known =
      choice.ctstate === 'ESTABLISHED' ? { ctOriginal: original, isDnat: false, isSnat: false, connmark } : {};
    const plan = this.#plan(tuple, choice.flags, ends.from === null);
    return this.#finish(plan, ends, entries, {
      ctstate: choice.ctstate,
      ctDirection: isReply ? 'REPLY' : 'ORIGINAL',
      ...(protocol === 'TCP' ? { tcpFlags: choice.flags } : {}),
      ...known,
    });
  }

  #udpChoice(): Choice {
    return { ctstate: this.#random.pick<CtState>(['NEW', 'NEW', 'ESTABLISHED']), flags: [] };
  }

  #icmpTuple(ends: { readonly source: string; readonly destination: string }, type: number, code: number): Tuple {
    const protocol = this.#ruleset.family === 'inet' ? 'ICMP' : 'ICMPv6';
    const icmp = { type, code, id: this.#port++ };
    return {
      protocol,
      source: ends.source,
      destination: ends.destination,
      sourcePort: undefined,
      destinationPort: undefined,
      icmp,
    };
  }

  #echo(
    ends: ReturnType<Traffic['shot']> extends never
      ? never
      : { from: string | null; source: string; destination: string; isSpoofed: boolean },
  ): Shot {
    const isRequest = this.#random.chance(0.7);
    const [request, reply] = this.#ruleset.family === 'inet' ? [8, 0] : [128, 129];
    const tuple = this.#icmpTuple(ends, isRequest ? request : reply, 0);
    const plan = this.#plan(tuple, [], ends.from === null);
    return this.#finish(plan, ends, [], { ctstate: isRequest ? 'NEW' : 'INVALID' });
  }

  /** An ICMP error about a connection that conntrack knows: RELATED. */
  #error(ends: { from: string | null; source: string; destination: string; isSpoofed: boolean }): Shot {
    const [type, code] = this.#ruleset.family === 'inet' ? [3, 3] : [1, 4];
    const connection: Tuple = {
      protocol: 'UDP',
      source: ends.destination,
      destination: ends.source,
      sourcePort: this.#port++,
      destinationPort: this.#random.pick(this.#ruleset.ports),
      icmp: undefined,
    };
    const about = this.#plan(connection, [], false);
    const plan = this.#plan(
      { ...this.#icmpTuple(ends, type, code), icmp: { type, code, id: undefined } },
      [],
      ends.from === null,
      about,
    );
    return this.#finish(plan, ends, [entry(connection, 0)], {
      ctstate: 'RELATED',
      ctDirection: 'REPLY',
      ctOriginal: connection,
      isDnat: false,
      isSnat: false,
      connmark: 0,
    });
  }

  #finish(
    plan: PacketPlan,
    ends: { readonly from: string | null; readonly isSpoofed: boolean },
    entries: Shot['entries'],
    known: Partial<WalkPacket>,
  ): Shot {
    const packet: WalkPacket = {
      tuple: plan.tuple,
      inInterface: ends.from,
      physicalIn: null,
      physicalOut: null,
      mark: 0,
      ttl: plan.ttl,
      uid: 0,
      gid: 0,
      isFragment: false,
      ...(ends.from === null ? {} : { reversePath: !ends.isSpoofed }),
      ...known,
    };
    return { plan, from: ends.from, entries, packet };
  }
}
