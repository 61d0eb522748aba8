/** What the kernel's own TRACE said about every attempt. */

export interface TraceStep {
  readonly table: string;
  readonly chain: string;
  readonly verdict: string;
  /** Rule as iptables-save prints it from `-A` on, or `:CHAIN POLICY` for a chain policy. */
  readonly rule: string;
}

/** One packet at one hook of one node, and the rules that matched it there. */
export interface TracedPacket {
  readonly node: string;
  readonly at: number;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
  readonly flags: readonly string[];
  readonly steps: TraceStep[];
}

const FLAGS = new Set(['SYN', 'ACK', 'FIN', 'RST', 'PSH', 'URG']);

function readPacket(node: string, at: number, text: string): TracedPacket {
  const words = text.trim().split(/\s+/);
  const value = (key: string) => words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
  const port = (key: string) => (value(key) === undefined ? undefined : Number(value(key)));
  return {
    node,
    at,
    source: value('SRC') ?? '',
    destination: value('DST') ?? '',
    sourcePort: port('SPORT'),
    destinationPort: port('DPORT'),
    flags: words.filter((word) => FLAGS.has(word)),
    steps: [],
  };
}

function readStep(place: string, text: string): TraceStep {
  const [table = '', chain = '', kind = '', ...rest] = place.split(':');
  if (kind === 'policy') return { table, chain, verdict: rest[0] ?? '', rule: `:${chain} ${rest[0] ?? ''}` };
  return { table, chain, verdict: rest[1] ?? '', rule: text.replace(/^.*?(?=-A )/, '').trim() };
}

/**
 * Reads stamped lines of `xtables-monitor --trace`. Trace ids are used again for later packets, so a rule belongs to
 * the last packet line with its id.
 */
export function readTrace(node: string, lines: readonly string[]): readonly TracedPacket[] {
  const packets: TracedPacket[] = [];
  const current = new Map<string, TracedPacket>();
  for (const line of lines) {
    const found = /^([\d.]+)\s+(PACKET|TRACE): \d+ ([0-9a-f]+) (.*)$/.exec(line);
    if (!found) continue;
    const [, at = '', kind, id = '', rest = ''] = found;
    if (kind === 'PACKET') {
      const packet = readPacket(node, Number(at), rest);
      packets.push(packet);
      current.set(id, packet);
      continue;
    }
    const [place = '', ...text] = rest.split(' ');
    if (!place.startsWith('labtrace:')) current.get(id)?.steps.push(readStep(place, text.join(' ')));
  }
  return packets;
}

/** How an attempt looked on the wire: which packets belong to it. */
export interface AttemptKey {
  readonly protocol: 'TCP' | 'UDP' | 'ICMP';
  readonly sourcePort: number;
  readonly source: string;
  /** Where the client sent it, before any translation. */
  readonly destination: string;
  readonly at: number;
  readonly until: number;
  /** Seconds by which the monitor's lines may come late; longer where no other attempt has these ports. */
  readonly patience: number;
}

/** How a node wrote a connection's source anew on its way out (SNAT, masquerading). */
export interface Translation {
  readonly source: string;
  readonly sourcePort: number;
  readonly translated: string;
  readonly translatedPort: number;
}

const TUPLE = String.raw`src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)`;
const BOTH_TUPLES = new RegExp(`${TUPLE}.*?${TUPLE}`);

/** Reads translations out of conntrack's lines: the reply goes to where the node sent it from. */
export function readTranslations(text: string): readonly Translation[] {
  return text.split('\n').flatMap((line) => {
    const found = BOTH_TUPLES.exec(line);
    if (!found) return [];
    const [, source = '', , sourcePort, , , translated = '', , translatedPort] = found;
    if (source === translated && sourcePort === translatedPort) return [];
    return [{ source, sourcePort: Number(sourcePort), translated, translatedPort: Number(translatedPort) }];
  });
}

type End = `${string}:${number}`;

function clientEnds(key: AttemptKey, translations: readonly Translation[]): ReadonlySet<End> {
  const own = translations.filter((each) => each.source === key.source && each.sourcePort === key.sourcePort);
  const translated = own.map((each): End => `${each.translated}:${each.translatedPort}`);
  return new Set<End>([`${key.source}:${key.sourcePort}`, ...translated]);
}

function belongs(packet: TracedPacket, key: AttemptKey, client: ReadonlySet<End>): boolean {
  // The monitor's lines come a little after the packet.
  if (packet.at < key.at - 0.05 || packet.at > key.until + key.patience) return false;
  if (key.protocol === 'ICMP') {
    const ends = [packet.source, packet.destination];
    return packet.sourcePort === undefined && ends.includes(key.source) && ends.includes(key.destination);
  }
  if ((key.protocol === 'TCP') !== packet.flags.length > 0) return false;
  const from: End = `${packet.source}:${packet.sourcePort ?? 0}`;
  return client.has(from) || client.has(`${packet.destination}:${packet.destinationPort ?? 0}`);
}

export interface Stop {
  readonly node: string;
  readonly table: string;
  readonly chain: string;
  readonly rule: string;
  readonly action: 'dropped' | 'rejected';
  readonly packets: number;
  /** The packet as the rule saw it: behind whatever NAT stood before. */
  readonly seen: Seen;
}

export interface Seen {
  readonly source: string;
  readonly sourcePort: number | null;
  readonly destination: string;
  readonly destinationPort: number | null;
}

function stopOf(packet: TracedPacket): Omit<Stop, 'packets'> | undefined {
  const step = packet.steps.find((each) => each.verdict === 'DROP');
  if (!step) return undefined;
  // xtables-monitor prints DROP for REJECT, too.
  const action = step.rule.includes(' -j REJECT') ? 'rejected' : 'dropped';
  const { node, source, destination, sourcePort = null, destinationPort = null } = packet;
  const seen = { source, sourcePort, destination, destinationPort };
  return { node, table: step.table, chain: step.chain, rule: step.rule, action, seen };
}

/** The rules that stopped packets of an attempt, in the order in which they first did. */
export function stopsOf(
  packets: readonly TracedPacket[],
  key: AttemptKey,
  translations: readonly Translation[],
): readonly Stop[] {
  const stops = new Map<string, Stop>();
  const client = clientEnds(key, translations);
  const own = packets.filter((packet) => belongs(packet, key, client)).sort((a, b) => a.at - b.at);
  for (const stop of own.map(stopOf)) {
    if (!stop) continue;
    const id = `${stop.node} ${stop.table} ${stop.chain} ${stop.rule}`;
    stops.set(id, { ...stop, packets: (stops.get(id)?.packets ?? 0) + 1 });
  }
  return [...stops.values()];
}
