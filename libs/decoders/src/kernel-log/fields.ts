/** `KEY=value` words and bare words (`DF`, `SYN`) of a packet line, in order, the first of a key winning. */
export interface PacketWords {
  readonly values: ReadonlyMap<string, string>;
  readonly bare: ReadonlySet<string>;
  /** A bracket or parenthesis was still open at the end. */
  readonly open: boolean;
}

/**
 * Splits what nf_log printed from `IN=` on. Brackets hold the packet an ICMP error is about, parentheses hold option
 * bytes: both are passed over, nested or not. Keys come twice (`LEN` of IP and UDP, `ID` of IP and echo): the second
 * is kept as `KEY#2`.
 */
export function packetWords(text: string, from: number): PacketWords {
  const values = new Map<string, string>();
  const bare = new Set<string>();
  let depth = 0;
  let i = from;
  while (i < text.length) {
    const c = text.charCodeAt(i);
    if (c === 91 || c === 40) depth++;
    else if ((c === 93 || c === 41) && depth > 0) depth--;
    if (c === 32 || c === 91 || c === 93 || c === 40 || c === 41 || depth > 0) {
      i++;
      continue;
    }
    const end = wordEnd(text, i);
    keep(text.slice(i, end), values, bare);
    i = end;
  }
  return { values, bare, open: depth > 0 };
}

function wordEnd(text: string, from: number): number {
  let i = from;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 32 || c === 91 || c === 40) break;
  }
  return i;
}

function keep(word: string, values: Map<string, string>, bare: Set<string>): void {
  const equals = word.indexOf('=');
  if (equals < 0) {
    bare.add(word);
    return;
  }
  const key = word.slice(0, equals);
  const value = word.slice(equals + 1);
  if (!values.has(key)) values.set(key, value);
  else if (!values.has(`${key}#2`)) values.set(`${key}#2`, value);
}

/** A decimal value of a key; undefined when absent or no number. */
export function decimal(words: PacketWords, key: string): number | undefined {
  const text = words.values.get(key);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
