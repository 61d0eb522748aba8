import type { Reject } from '@whydrop/model';
import { reject } from '../lines.js';

/** One side of an entry: address and port as printed. */
export interface Side {
  readonly address: string;
  readonly port: number;
}

/** One entry of the flow table in the utility's words. */
export interface ContrailEntry {
  readonly index: number;
  readonly reverseIndex: number | undefined;
  readonly source: Side;
  readonly destination: Side;
  readonly protocol: number;
  /** `F`, `D`, `N`, `H` or `U`. */
  readonly action: string;
  /** What stands in brackets behind the action: drop reason, or NAT flags. */
  readonly reason: string | undefined;
  /** `S Sr E Er F Fr R C D`, taken apart. */
  readonly tcp: readonly string[];
  readonly packets: bigint;
  readonly bytes: bigint;
  /** Slot generation: with the index it names one flow over time. */
  readonly generation: number;
  /** Where the first packet came from: `5.0.0.0` is interface 5, else the sending compute node. */
  readonly sourceInfo: string | undefined;
  readonly raw: string;
  readonly line: number;
}

/** An entry is printed in about 250 characters; what is longer is none. */
const ENTRY_LIMIT = 4096;
const INDEX = /^(\d{1,10})(?:<=>(\d{1,10}))?$/;
const PAIR = /\d{1,10}<=>\d{1,10}/;

/** The port stands behind the last colon: IPv6 is printed without brackets. */
function sideOf(text: string | undefined): Side | undefined {
  const colon = text?.lastIndexOf(':') ?? -1;
  const port = text?.slice(colon + 1) ?? '';
  if (text === undefined || colon < 1 || !/^\d{1,5}$/.test(port)) return undefined;
  return { address: text.slice(0, colon), port: Number(port) };
}

/** Place behind the bracket that closes the one at `from`; -1 when none does. */
function closing(text: string, from: number): number {
  let depth = 0;
  const end = Math.min(text.length, from + ENTRY_LIMIT);
  for (let i = from; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c === 40) depth++;
    else if (c === 41 && --depth === 0) return i + 1;
  }
  return -1;
}

interface Head {
  readonly index: number;
  readonly reverseIndex: number | undefined;
  readonly source: Side;
  readonly destination: Side;
  readonly protocol: number;
}

/**
 * The five words before `(Gen:` are index pair, source, protocol, `(vrf)` and destination, in this order whether or
 * not the text still has its lines. The newest of the words decide: anything may stand before them.
 */
function headOf(words: readonly string[]): Head | undefined {
  const [index, source, protocol, vrf, destination] = words.slice(-5);
  const match = INDEX.exec(index ?? '');
  const [from, to] = [sideOf(source), sideOf(destination)];
  if (!match || !from || !to || !/^\d{1,3}$/.test(protocol ?? '') || !/^\(\S{1,20}\)$/.test(vrf ?? ''))
    return undefined;
  const reverse = match[2];
  return {
    index: Number(match[1]),
    reverseIndex: reverse === undefined ? undefined : Number(reverse),
    source: from,
    destination: to,
    protocol: Number(protocol),
  };
}

function field(text: string, pattern: RegExp): string | undefined {
  return pattern.exec(text)?.[1];
}

function entryOf(head: Head, body: string, raw: string, line: number): ContrailEntry | undefined {
  const action = /Action:([A-Z])(?:\(([^)]{0,40})\))?/.exec(body);
  const stats = /Stats:\s{0,4}(\d{1,20})\/(\d{1,20})/.exec(body);
  if (!action || !stats) return undefined;
  return {
    ...head,
    action: action[1] ?? '',
    reason: action[2],
    tcp: field(body, /TCP:([A-Za-z]{0,40})/)?.match(/[A-Z]r?/g) ?? [],
    packets: BigInt(stats[1] ?? 0),
    bytes: BigInt(stats[2] ?? 0),
    generation: Number(field(body, /Gen:\s{0,4}(\d{1,9})/) ?? 0),
    sourceInfo: field(body, /Sinfo ([0-9a-fA-F.:]{3,45})/),
    raw,
    line,
  };
}

/** Counts lines as places move forward. */
class LineCount {
  private next: number;

  constructor(
    private readonly text: string,
    private line: number,
  ) {
    this.next = text.indexOf('\n');
  }

  to(place: number): number {
    while (this.next >= 0 && this.next < place) {
      this.line++;
      this.next = this.text.indexOf('\n', this.next + 1);
    }
    return this.line;
  }
}

/**
 * Reads the listing of `flow -l` or `flow --match`. The brackets of an entry span one to three lines, or none at all
 * when people pasted it: blanks and line ends are the same here.
 */
export function* entriesOf(text: string, firstLine: number): Generator<ContrailEntry | Reject> {
  const lines = new LineCount(text, firstLine);
  let done = 0;
  for (let open = text.indexOf('(Gen:'); open >= 0; open = text.indexOf('(Gen:', Math.max(done, open + 5))) {
    const before = text.slice(Math.max(done, open - 300), open);
    const head = headOf(before.split(/\s+/).filter((word) => word !== ''));
    const start = open - before.length + Math.max(0, before.search(PAIR));
    const line = lines.to(start);
    const close = closing(text, open);
    if (close < 0) {
      yield reject(
        'TRUNCATED',
        line,
        text.slice(start, start + ENTRY_LIMIT),
        'The brackets of the entry are not closed.',
      );
      done = open + 5;
      continue;
    }
    done = close;
    const raw = text.slice(start, close);
    const entry = head && entryOf(head, text.slice(open, close), raw, line);
    if (entry) yield entry;
    else
      yield reject(
        head ? 'MISSING_FIELD' : 'UNSUPPORTED',
        line,
        raw,
        head ? 'Expected Action: and Stats:.' : 'The entry has no addresses: a bridged flow.',
      );
  }
  const rest = text.slice(done);
  const left = rest.search(PAIR);
  if (left >= 0)
    yield reject(
      'TRUNCATED',
      lines.to(done + left),
      rest.slice(left, left + ENTRY_LIMIT),
      'The last entry has no brackets.',
    );
}
