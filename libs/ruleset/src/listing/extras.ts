/** Options read from the free text behind the addresses of a listed rule, as iptables-save would print them. */
export interface Extras {
  readonly matches: readonly string[];
  readonly comments: readonly string[];
  readonly targetOptions: readonly string[];
  readonly isGoto: boolean;
}

interface Reading {
  readonly matches: string[];
  readonly comments: string[];
  readonly targetOptions: string[];
  isGoto: boolean;
}

type Apply = (found: RegExpExecArray, reading: Reading) => void;

/** Quotes an argument as iptables-save does. */
export function quoted(text: string): string {
  return /^[\w-]+$/.test(text) ? text : `"${text.replace(/["'\\]/g, '\\$&')}"`;
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

/** `MARK and 0xfdffffff` clears the other bits; iptables-save writes all of these as --set-xmark. */
function xmark(word: string, value: string, mask: string | undefined): string {
  const bits = Number(value);
  switch (word) {
    case 'and':
      return `--set-xmark 0x0/${hex(~bits)}`;
    case 'or':
      return `--set-xmark ${hex(bits)}/${hex(bits)}`;
    case 'xor':
      return `--set-xmark ${hex(bits)}/0x0`;
    default:
      return `--set-xmark ${hex(bits)}/${mask ?? '0xffffffff'}`;
  }
}

function not(text: string | undefined): string {
  return text === undefined || text.trim() === '' ? '' : '! ';
}

function port(side: string, text: string): string {
  const negated = text.startsWith('!');
  return `${negated ? '! ' : ''}--${side === 'd' ? 'dport' : 'sport'} ${negated ? text.slice(1) : text}`;
}

const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];

/** `0x17/0x02`: mask and wanted bits. */
function flags(text: string): string {
  const names = text.split('/').map((part) => {
    const bits = Number(part);
    return TCP_FLAGS.filter((_, i) => (bits & (1 << i)) !== 0).join() || 'NONE';
  });
  return names.join(' ');
}

/** What extensions print in a listing, in no fixed order. Source: iptables `extensions/libxt_*.c` (print functions). */
const READERS: readonly (readonly [RegExp, Apply])[] = [
  [/^\/\* (.*?) \*\/(?=\s|$)/, ([, text = ''], { comments }) => comments.push(text)],
  [
    /^(! )?(?:ct)?state (\S+)/,
    ([, bang, states], { matches }) => matches.push(`-m conntrack ${not(bang)}--ctstate ${states}`),
  ],
  [/^ctorigdst (!)?(\S+)/, ([, bang, net], { matches }) => matches.push(`-m conntrack ${not(bang)}--ctorigdst ${net}`)],
  [/^ctdir (ORIGINAL|REPLY)/, ([, word], { matches }) => matches.push(`-m conntrack --ctdir ${word}`)],
  [
    /^mark match (!)?\s*(0x[\da-f]+(?:\/0x[\da-f]+)?)/i,
    ([, bang, mark], { matches }) => matches.push(`-m mark ${not(bang)}--mark ${mark}`),
  ],
  [
    /^connmark match\s+(!)?\s*(0x[\da-f]+(?:\/0x[\da-f]+)?)/i,
    ([, bang, mark], { matches }) => matches.push(`-m connmark ${not(bang)}--mark ${mark}`),
  ],
  [
    /^(! )?match-set (\S+) ((?:src|dst)(?:,(?:src|dst))*)/,
    ([, bang, name, sides], { matches }) => matches.push(`-m set ${not(bang)}--match-set ${name} ${sides}`),
  ],
  [
    /^multiport (sports|dports|ports) (!)?\s*([\d,:]+)/,
    ([, word, bang, ports], { matches }) => matches.push(`-m multiport ${not(bang)}--${word} ${ports}`),
  ],
  [/^(?:tcp|udp|sctp|udplite|dccp) ((?:[sd]pts?:!?[\d:]+ ?|flags:!?0x[\da-f]+\/0x[\da-f]+ ?)+)/i, readPorts],
  [
    /^icmp6?(?: ?)type (!)?(\d+)(?: code (\d+))?/,
    ([whole, bang, type, code], { matches }) => matches.push(icmp(whole, bang, type, code)),
  ],
  [
    /^ADDRTYPE match (!)?(src|dst)-type (!)?([A-Z,]+)/,
    ([, bang, side, inner, types], { matches }) =>
      matches.push(`-m addrtype ${not(bang ?? inner)}--${side}-type ${types}`),
  ],
  [
    /^PHYSDEV match((?: !? ?--physdev-[\w-]+(?: (?!-|!)[\w.+-]+)?)+)/,
    ([, text = ''], { matches }) => matches.push(`-m physdev${text}`),
  ],
  [
    /^limit: avg (\S+) burst (\d+)/,
    ([, rate, burst], { matches }) => matches.push(`-m limit --limit ${rate} --limit-burst ${burst}`),
  ],
  [
    /^statistic mode random (!)?probability ([\d.]+)/,
    ([, bang, chance], { matches }) => matches.push(`-m statistic --mode random ${not(bang)}--probability ${chance}`),
  ],
  [
    /^rpfilter((?: (?:loose|validmark|accept-local|invert))*)/,
    ([, words = ''], { matches }) => matches.push(`-m rpfilter${words.replaceAll(' ', ' --')}`),
  ],
  [
    /^MARK (and|or|xor|set|xset) (0x[\da-f]+)(?:\/(0x[\da-f]+))?/i,
    ([, word = '', value = '', mask], { targetOptions }) => targetOptions.push(xmark(word, value, mask)),
  ],
  [
    /^CONNMARK (save|restore)(?: mask (0x[\da-f]+))?/i,
    ([, word, mask], { targetOptions }) => targetOptions.push(`--${word}-mark${mask ? ` --mask ${mask}` : ''}`),
  ],
  [/^reject-with (\S+)/, ([, word], { targetOptions }) => targetOptions.push(`--reject-with ${word}`)],
  [
    /^nflog-prefix\s+"(.*?)"/,
    ([, text = ''], { targetOptions }) => targetOptions.push(`--nflog-prefix ${quoted(text)}`),
  ],
  [/^nflog-prefix\s+(\S+)/, ([, text = ''], { targetOptions }) => targetOptions.push(`--nflog-prefix ${quoted(text)}`)],
  [
    /^nflog-(group|size|range|threshold) (\d+)/,
    ([, word, number], { targetOptions }) => targetOptions.push(`--nflog-${word} ${number}`),
  ],
  [/^LOG flags (\d+) level (\d+)/, () => undefined],
  [/^prefix "(.*?)"/, ([, text = ''], { targetOptions }) => targetOptions.push(`--log-prefix ${quoted(text)}`)],
  [/^to:(\S+)/, ([, address], { targetOptions }) => targetOptions.push(`--to-destination ${address}`)],
  [/^redir ports (\S+)/, ([, ports], { targetOptions }) => targetOptions.push(`--to-ports ${ports}`)],
  [/^\[goto\]/, (_, reading) => void (reading.isGoto = true)],
];

function icmp(whole: string, bang: string | undefined, type: string | undefined, code: string | undefined): string {
  const isV6 = whole.startsWith('icmp6');
  const option = isV6 ? '-m icmp6 %--icmpv6-type' : '-m icmp %--icmp-type';
  return `${option.replace('%', not(bang))} ${type}${code === undefined ? '' : `/${code}`}`;
}

function readPorts([whole, words = '']: RegExpExecArray, { matches }: Reading): void {
  const options = words
    .trim()
    .split(/ +/)
    .map((word) => {
      const ports = /^([sd])pts?:(\S+)$/.exec(word);
      if (ports) return port(ports[1] ?? '', ports[2] ?? '');
      const text = word.slice('flags:'.length);
      return `${text.startsWith('!') ? '! ' : ''}--tcp-flags ${flags(text.replace('!', ''))}`;
    });
  matches.push(`-m ${whole.split(' ')[0]} ${options.join(' ')}`);
}

/** Text nobody here understands stays with the rule, so that a walk can say what it does not know. */
function keep(text: string, { matches }: Reading): void {
  if (text !== '') matches.push(`-m listing --text ${quoted(text)}`);
}

function readOne(text: string, reading: Reading): string | undefined {
  for (const [pattern, apply] of READERS) {
    const found = pattern.exec(text);
    if (!found) continue;
    apply(found, reading);
    return text.slice(found[0].length).trimStart();
  }
  return undefined;
}

/** Reads what stands behind the destination of a listed rule. */
export function readExtras(text: string): Extras {
  const reading: Reading = { matches: [], comments: [], targetOptions: [], isGoto: false };
  let unread = '';
  for (let rest = text.trim(); rest !== '';) {
    const after = readOne(rest, reading);
    if (after === undefined) {
      const [word = rest] = rest.split(' ', 1);
      unread = `${unread} ${word}`.trim();
      rest = rest.slice(word.length).trimStart();
    } else {
      keep(unread, reading);
      unread = '';
      rest = after;
    }
  }
  keep(unread, reading);
  return reading;
}
