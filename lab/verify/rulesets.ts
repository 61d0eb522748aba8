import { Random } from './random.js';
import { HOSTS, INTERFACES } from './topology.js';

/** A ruleset to be loaded, and the sets it asks. */
export interface RulesetPlan {
  readonly family: 'inet' | 'inet6';
  readonly rules: string;
  readonly sets: string;
  /** Addresses and ports that its rules name: packets use them more often. */
  readonly ports: readonly number[];
  /** Some packets go from one port of the bridge to the other. */
  readonly isBridged: boolean;
}

export const PORTS = [22, 53, 80, 443, 5432, 8080, 8443, 30_080] as const;

/** Addresses of hosts, networks of them, and a service's virtual address. */
export class Pool {
  readonly family: 'inet' | 'inet6';
  readonly #random: Random;

  constructor(family: 'inet' | 'inet6', random: Random) {
    this.family = family;
    this.#random = random;
  }

  host(side?: number, last?: number): string {
    const index = side ?? this.#random.integer(0, INTERFACES.length - 1);
    const host = last ?? this.#random.pick(HOSTS);
    return this.family === 'inet' ? `${INTERFACES[index]?.net}.${host}` : `fd00:${index + 1}::${host}`;
  }

  service(): string {
    const last = this.#random.integer(1, 2);
    return this.family === 'inet' ? `10.96.0.${last}` : `fd00:96::${last}`;
  }

  any(): string {
    return this.#random.chance(0.15) ? this.service() : this.host(undefined, this.#random.chance(0.15) ? 1 : undefined);
  }

  net(): string {
    const { chance, pick } = {
      chance: this.#random.chance.bind(this.#random),
      pick: this.#random.pick.bind(this.#random),
    };
    const address = this.any();
    if (this.family === 'inet6') return `${address}/${pick([64, 126, 127, 128, 32])}`;
    if (chance(0.1)) return `${address}/255.255.0.255`;
    return `${address}/${pick([8, 16, 24, 29, 30, 31, 32])}`;
  }
}

type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

const TABLES: readonly { readonly name: string; readonly hooks: readonly Hook[] }[] = [
  { name: 'raw', hooks: ['PREROUTING', 'OUTPUT'] },
  { name: 'mangle', hooks: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] },
  { name: 'nat', hooks: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'] },
  { name: 'filter', hooks: ['INPUT', 'FORWARD', 'OUTPUT'] },
];

/** Hooks from which a chain can be reached: a base chain's own, or all of its table. */
interface Place {
  readonly table: string;
  readonly hooks: readonly Hook[];
  readonly isBase: boolean;
}

const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED', 'DNAT'] as const;

/** Basic options and those of some matches may be given once only. */
function kindOf(text: string): string {
  if (/--(dport|sport)|multiport/.test(text)) return 'port';
  if (text.includes('--tcp-flags')) return 'flags';
  if (text.includes('mark ')) return 'mark';
  return /^(?:! )?(-[sdiop]) /.exec(text)?.[1] ?? text;
}

/** Writes rules at random: every match and target that the walk claims to understand, and some that it does not. */
class Generator {
  readonly #random: Random;
  readonly #pool: Pool;
  readonly #number: number;
  #rule = 0;

  constructor(random: Random, family: 'inet' | 'inet6', number: number) {
    this.#random = random;
    this.#pool = new Pool(family, random);
    this.#number = number;
  }

  get isV6(): boolean {
    return this.#pool.family === 'inet6';
  }

  #not(): string {
    return this.#random.chance(0.2) ? '! ' : '';
  }

  #set(name: string): string {
    return `${this.isV6 ? 'w' : 'v'}${this.#number}${name}`;
  }

  sets(): string {
    const random = this.#random;
    const family = this.isV6 ? ' family inet6' : '';
    const bits = this.isV6 ? [64, 126, 128] : [16, 24, 30, 32];
    const create = (name: string, type: string) => `create ${this.#set(name)} ${type}`;
    const add = (name: string, element: string) => `add ${this.#set(name)} ${element} -exist`;
    const times = (count: number, make: () => string) => Array.from({ length: count }, make);
    const net = () => `${this.#pool.any()}/${random.pick(bits)}`;
    const port = () => `${random.pick(['tcp', 'udp'])}:${random.pick(PORTS)}`;
    return [
      create('ip', `hash:ip${family}`),
      create('net', `hash:net${family}`),
      create('ipport', `hash:ip,port${family}`),
      create('netport', `hash:net,port${family}`),
      create('netif', `hash:net,iface${family}`),
      create('port', 'bitmap:port range 0-65535'),
      create('empty', `hash:net${family}`),
      create('list', 'list:set size 8'),
      ...times(8, () => add('ip', this.#pool.any())),
      ...times(5, () => add('net', net())),
      ...times(4, () => add('net', `${net()} nomatch`)),
      ...times(8, () => add('ipport', `${this.#pool.any()},${port()}`)),
      ...times(6, () => add('netport', `${net()},${port()}${random.chance(0.2) ? ' nomatch' : ''}`)),
      ...times(5, () => add('netif', `${net()},${random.pick(INTERFACES).name}`)),
      ...random.some(PORTS, 4).map((each) => add('port', String(each))),
      ...random.some(['ip', 'net', 'ipport', 'empty'], 3).map((name) => add('list', this.#set(name))),
    ].join('\n');
  }

  #protocol(): readonly string[] {
    const random = this.#random;
    const icmp = this.isV6 ? 'icmpv6' : 'icmp';
    switch (random.integer(0, 7)) {
      case 0:
        return ['! -p tcp'];
      case 1:
        return [this.#icmp(icmp)];
      case 2:
        return ['-p tcp', this.#flags()];
      case 3:
        return [`-p ${random.pick(['tcp', 'udp'])}`, this.#multiport()];
      case 4:
        return [`-p ${random.pick(['tcp', 'udp', icmp])}`];
      default:
        return [`-p ${random.pick(['tcp', 'udp'])}`, this.#port()];
    }
  }

  #icmp(name: string): string {
    const module = this.isV6 ? '-m icmp6' : '-m icmp';
    const type = this.isV6
      ? this.#random.pick(['128', '129', '1', '1/4'])
      : this.#random.pick(['8', '0', '3', '3/3', '3/1']);
    return `-p ${name} ${module} ${this.#not()}--${this.isV6 ? 'icmpv6' : 'icmp'}-type ${type}`;
  }

  #flags(): string {
    return this.#random.pick([
      '--tcp-flags FIN,SYN,RST,ACK SYN',
      '! --tcp-flags FIN,SYN,RST,ACK SYN',
      '--tcp-flags RST RST',
      '--tcp-flags SYN,ACK ACK',
    ]);
  }

  #port(): string {
    const random = this.#random;
    const port = random.pick(PORTS);
    const text = random.chance(0.3) ? `${port - 5}:${port + 5}` : String(port);
    return `${this.#not()}${random.chance(0.9) ? '--dport' : '--sport'} ${text}`;
  }

  #multiport(): string {
    const ports = this.#random
      .some(PORTS, 4)
      .map((port) => (this.#random.chance(0.2) ? `${port - 3}:${port + 3}` : port));
    return `-m multiport ${this.#not()}--${this.#random.pick(['dports', 'ports', 'sports', 'dports'])} ${ports.join()}`;
  }

  #interfaces(place: Place): readonly string[] {
    const names = [...INTERFACES.map(({ name }) => name), 'b+', 'a+', 'lo'];
    const found: string[] = [];
    const seesIn = !place.isBase || !['OUTPUT', 'POSTROUTING'].includes(place.hooks[0] ?? '');
    const seesOut = !place.isBase || !['PREROUTING', 'INPUT'].includes(place.hooks[0] ?? '');
    if (seesIn && this.#random.chance(0.6)) found.push(`${this.#not()}-i ${this.#random.pick(names)}`);
    if (seesOut && this.#random.chance(0.5)) found.push(`${this.#not()}-o ${this.#random.pick(names)}`);
    return found;
  }

  #match(place: Place): readonly string[] {
    const random = this.#random;
    const set = (name: string, flags: string) => `-m set ${this.#not()}--match-set ${this.#set(name)} ${flags}`;
    const side = () => random.pick(['src', 'dst']);
    const mask = () =>
      random.pick(['0x1/0x1', '0x0/0x1', '0x2/0x3', '0x10000/0x10000', '0x0/0x30000', '0x0', '0x10/0xf0']);
    const choices: readonly (() => readonly string[])[] = [
      () => [`${this.#not()}-s ${this.#pool.net()}`],
      () => [`${this.#not()}-d ${this.#pool.net()}`],
      () => [`-s ${this.#pool.net()}`, `-d ${this.#pool.net()}`],
      () => this.#interfaces(place),
      () => this.#protocol(),
      () => this.#protocol(),
      () => [`-m conntrack ${this.#not()}--ctstate ${random.some(STATES, 3).join()}`],
      () => [`-m state --state ${random.some(STATES.slice(0, 4), 2).join()}`],
      () => [`-m conntrack --ctdir ${random.pick(['ORIGINAL', 'REPLY'])}`],
      () => [
        `-m conntrack ${this.#not()}--${random.pick(['ctorigdst', 'ctorigsrc'])} ${this.#pool.net().replace(/255.*/, '24')}`,
      ],
      () => [`-m conntrack --ctstate ${random.pick(STATES)} --ctdir ORIGINAL`],
      () => [`-m mark ${this.#not()}--mark ${mask()}`],
      () => [`-m connmark ${this.#not()}--mark ${mask()}`],
      () => [`-m mark ${this.#not()}--mark ${mask()}`],
      () => [set(random.pick(['ip', 'net', 'net', 'empty']), side())],
      () => [set(random.pick(['ipport', 'netport', 'list', 'netif']), `${side()},${side()}`)],
      () => [set('list', side()), set('port', side())],
      () => [`-m set --match-set ${this.#set('net')} ${side()} --return-nomatch`],
      () => [
        `-m addrtype ${this.#not()}--${side()}-type ${random.pick(['LOCAL', 'UNICAST', 'MULTICAST', this.isV6 ? 'LOCAL,MULTICAST' : 'LOCAL,BROADCAST'])}`,
      ],
      () => [`-m physdev ${this.#not()}--physdev-is-bridged`],
      () => [`-m physdev ${this.#not()}--physdev-in ${random.pick(['eth0', 'a0', 'a+'])}`],
      () => [`-m length ${this.#not()}--length ${random.pick(['0:45', '40', '28:60', '100:'])}`],
      () =>
        this.isV6
          ? [`-m hl ${random.pick(['--hl-gt 63', '--hl-eq 63'])}`]
          : [`-m ttl ${random.pick(['--ttl-eq 63', '--ttl-gt 63', '--ttl-lt 64', '! --ttl-eq 64'])}`],
      () => ['-m limit --limit 3/min --limit-burst 2'],
      () => [`-m statistic --mode random --probability ${random.pick(['0.5', '1.0'])}`],
      () => ['-m string --string "-j DROP" --algo bm'],
    ];
    return random.pick(choices)();
  }

  #matches(place: Place): readonly string[] {
    const found = new Map<string, string>();
    const count = this.#random.pick([0, 1, 1, 1, 2, 2, 3]);
    for (let i = 0; i < count; i++) {
      for (const text of this.#match(place)) {
        const kind = kindOf(text);
        if (!found.has(kind)) found.set(kind, text);
      }
    }
    const texts = [...found.values()];
    const protocol = texts.find((text) => /^(! )?-p /.test(text));
    const fits = texts.filter((text) => this.#fits(text, protocol));
    if (place.isBase && place.hooks[0] === 'OUTPUT' && this.#random.chance(0.1))
      fits.push(`-m owner ${this.#not()}--uid-owner 0`);
    const isRaw = place.table === 'raw' && place.isBase && place.hooks[0] === 'PREROUTING';
    if (isRaw && this.#random.chance(0.1)) fits.push(this.#random.chance(0.5) ? '-m rpfilter --invert' : '-m rpfilter');
    return fits;
  }

  #fits(text: string, protocol: string | undefined): boolean {
    const isPort = /--(dport|sport)|multiport/.test(text);
    if (isPort) return protocol === '-p tcp' || protocol === '-p udp';
    return !text.includes('--tcp-flags') || protocol === '-p tcp';
  }

  #mark(): string {
    return this.#random.pick([
      'MARK --set-xmark 0x10000/0x10000',
      'MARK --set-xmark 0x0/0x10000',
      'MARK --set-mark 0x2/0x3',
      'MARK --or-mark 0x1',
      'MARK --and-mark 0xfffffffe',
      'MARK --xor-mark 0x11',
      'CONNMARK --set-xmark 0x1/0x1',
      'CONNMARK --save-mark',
      'CONNMARK --restore-mark',
      'CONNMARK --save-mark --nfmask 0xf0 --ctmask 0xff',
      'CONNMARK --restore-mark --nfmask 0x3 --ctmask 0x1',
    ]);
  }

  #verdict(place: Place, matches: readonly string[]): string {
    const random = this.#random;
    if (random.chance(0.45)) return 'ACCEPT';
    if (place.table !== 'filter' || random.chance(0.6)) return 'DROP';
    const isTcp = matches.includes('-p tcp');
    return isTcp && random.chance(0.5) ? 'REJECT --reject-with tcp-reset' : 'REJECT';
  }

  #passive(place: Place): string {
    const log = this.#random.pick(['LOG --log-prefix "a b: "', 'NFLOG --nflog-prefix "x/y" --nflog-group 9', '']);
    return place.table === 'raw' && this.#random.chance(0.3) ? 'CT --notrack' : log;
  }

  #nat(place: Place, matches: readonly string[]): string {
    const random = this.#random;
    const hasPorts = matches.includes('-p tcp') || matches.includes('-p udp');
    const [hook] = place.hooks;
    const host = this.#pool.host();
    const literal = this.isV6 && hasPorts ? `[${host}]` : host;
    if (hook === 'POSTROUTING') return random.chance(0.5) ? 'MASQUERADE' : `SNAT --to-source ${this.#pool.host(1, 1)}`;
    if (hook === 'INPUT') return 'ACCEPT';
    if (hook === 'PREROUTING' && random.chance(0.15)) {
      return hasPorts ? `REDIRECT --to-ports ${random.pick(PORTS)}` : 'REDIRECT';
    }
    if (random.chance(0.1) && !this.isV6)
      return `DNAT --to-destination ${this.#pool.host(1, 2)}-${this.#pool.host(1, 4)}`;
    return `DNAT --to-destination ${literal}${hasPorts && random.chance(0.7) ? `:${random.pick(PORTS)}` : ''}`;
  }

  #target(place: Place, chains: readonly string[], matches: readonly string[]): string {
    const random = this.#random;
    const roll = random.next();
    if (chains.length > 0 && roll < 0.35) return `${random.chance(0.2) ? '-g' : '-j'} ${random.pick(chains)}`;
    if (roll < 0.5) return `-j ${this.#mark()}`;
    if (roll < 0.6) {
      const passive = this.#passive(place);
      return passive === '' ? '' : `-j ${passive}`;
    }
    if (roll < 0.7) return '-j RETURN';
    if (place.table === 'nat') return `-j ${this.#nat(place, matches)}`;
    // Before the filter table most packets must get through, or little is learned behind it.
    return place.table === 'filter' || random.chance(0.3)
      ? `-j ${this.#verdict(place, matches)}`
      : `-j ${this.#mark()}`;
  }

  #rules(chain: string, place: Place, chains: readonly string[], count: number): readonly string[] {
    return Array.from({ length: count }, () => {
      const matches = this.#matches(place);
      const protocolFirst = matches.toSorted((a, b) => Number(/-p /.test(b)) - Number(/-p /.test(a)));
      const target = this.#target(place, chains, matches);
      return ['-A', chain, ...protocolFirst, `-m comment --comment r${++this.#rule}`, target].join(' ').trim();
    });
  }

  #table({ name, hooks }: (typeof TABLES)[number]): string {
    const random = this.#random;
    // In nat the hook decides which targets may stand in a chain, so user chains belong to PREROUTING.
    const userHooks: readonly Hook[] = name === 'nat' ? ['PREROUTING'] : hooks;
    const users = Array.from({ length: random.integer(2, 4) }, (_, i) => `${name.toUpperCase()}-${i}`);
    const lines = [
      `*${name}`,
      ...hooks.map((hook) => `:${hook} ${name === 'filter' && random.chance(0.4) ? 'DROP' : 'ACCEPT'} [0:0]`),
      ...users.map((user) => `:${user} - [0:0]`),
    ];
    if (name === 'raw') lines.push('-A PREROUTING ! -i lo -j TRACE');
    if (name === 'raw') lines.push(`-A OUTPUT ${this.isV6 ? '-m hl --hl-eq' : '-m ttl --ttl-eq'} 77 -j TRACE`);
    for (const hook of hooks) {
      const place: Place = { table: name, hooks: [hook], isBase: true };
      const reachable = name === 'nat' && hook !== 'PREROUTING' ? [] : users;
      lines.push(
        ...this.#rules(hook, place, reachable, random.integer(name === 'filter' ? 2 : 0, name === 'filter' ? 6 : 3)),
      );
    }
    for (const [i, user] of users.entries()) {
      const place: Place = { table: name, hooks: userHooks, isBase: false };
      lines.push(...this.#rules(user, place, users.slice(i + 1), random.integer(1, 5)));
    }
    return [...lines, 'COMMIT'].join('\n');
  }

  rules(): string {
    return `${TABLES.map((table) => this.#table(table)).join('\n')}\n`;
  }
}

/** A ruleset at random: all four tables, user chains that jump forward only, and sets of every kind. */
export function randomRuleset(random: Random, family: 'inet' | 'inet6', number: number): RulesetPlan {
  const generator = new Generator(random, family, number);
  return { family, rules: generator.rules(), sets: `${generator.sets()}\n`, ports: PORTS, isBridged: false };
}
