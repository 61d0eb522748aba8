import { MICROS_PER_SECOND } from '@whydrop/model';
import type { FlowEvent, Reject, RejectReason } from '@whydrop/model';
import { reject } from '../lines.js';
import { emptyTuple } from './record.js';
import type { ConntrackRecord, ConntrackTuple } from './record.js';

const BLANK = 32;
const TAB = 9;
const OPEN = 91;
const CLOSE = 93;
const EQUALS = 61;
const DOT = 46;
/** The last second that an instant holds (year 2255). */
const LAST_SECOND = 9_007_199_253;
const NONE = -1;
const BAD = -2;

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMPV6 = 58;
const WITH_PORTS: ReadonlySet<number> = new Set([TCP, UDP, 33, 132, 136]);

/**
 * Reads lines of `conntrack -E`, `conntrack -L` and `/proc/net/nf_conntrack` with one hand-written scan: the words in
 * their fixed order, then `key=value` and `[FLAG]` in any order. The second of a key belongs to the reply; a third `id=`
 * of an ICMP line (`-o id`) is the entry's own. Unknown keys are passed over.
 *
 * Grammar: libnetfilter_conntrack `src/conntrack/snprintf_default.c`, kernel `net/netfilter/nf_conntrack_standalone.c`.
 */
export class ConntrackScanner {
  private text = '';
  private at = 0;
  private end = 0;
  private record!: ConntrackRecord;
  private tuple!: ConntrackTuple;
  private problem: RejectReason | undefined;
  private detail = '';

  /** Reads `text[from..to)`. `terminated` is false for a last line without a newline, which may have been cut. */
  scan(text: string, from: number, to: number, line: number, terminated: boolean): ConntrackRecord | Reject {
    this.text = text;
    this.at = from;
    this.end = to;
    this.problem = undefined;
    const original = emptyTuple();
    this.tuple = original;
    const raw = text.slice(from, to);
    this.record = {
      line,
      raw,
      stamp: undefined,
      event: 'entry',
      protocol: NONE,
      timeout: undefined,
      state: undefined,
      original,
      reply: emptyTuple(),
      unreplied: false,
      assured: false,
      mark: undefined,
      zone: undefined,
      id: undefined,
      start: undefined,
      stop: undefined,
    };
    if (this.head()) this.pairs();
    if (this.problem === undefined) this.complete(terminated);
    return this.problem === undefined ? this.record : reject(this.problem, line, raw, this.detail);
  }

  private fail(reason: RejectReason, detail: string): false {
    this.problem = reason;
    this.detail = detail;
    return false;
  }

  private skipBlanks(): void {
    while (this.at < this.end) {
      const c = this.text.charCodeAt(this.at);
      if (c !== BLANK && c !== TAB) return;
      this.at++;
    }
  }

  /** End of the word that starts here. */
  private wordEnd(): number {
    let i = this.at;
    while (i < this.end) {
      const c = this.text.charCodeAt(i);
      if (c === BLANK || c === TAB) break;
      i++;
    }
    return i;
  }

  /** Digits up to `to`; NONE when empty, BAD when something else stands there. */
  private digits(from: number, to: number): number {
    if (from === to) return NONE;
    if (to - from > 15) return BAD;
    let value = 0;
    for (let i = from; i < to; i++) {
      const c = this.text.charCodeAt(i);
      if (c < 48 || c > 57) return BAD;
      value = value * 10 + c - 48;
    }
    return value;
  }

  private startsWith(word: string): boolean {
    if (this.at + word.length > this.end) return false;
    for (let i = 0; i < word.length; i++) {
      if (this.text.charCodeAt(this.at + i) !== word.charCodeAt(i)) return false;
    }
    return true;
  }

  private head(): boolean {
    if (!this.stamp()) return false;
    this.eventType();
    this.skipBlanks();
    if (!this.protocol()) return false;
    this.skipBlanks();
    const end = this.wordEnd();
    const timeout = this.digits(this.at, end);
    if (timeout >= 0) {
      this.record.timeout = timeout;
      this.at = end;
      this.skipBlanks();
    }
    this.state();
    return true;
  }

  private stamp(): boolean {
    if (this.text.charCodeAt(this.at) !== OPEN) return true;
    const second = this.text.charCodeAt(this.at + 1);
    if (second < 48 || second > 57) return true;
    const close = this.find(CLOSE, this.at);
    const dot = this.find(DOT, this.at);
    if (close === this.end) return this.fail('TRUNCATED', 'The line ends inside its time stamp.');
    const seconds = this.digits(this.at + 1, Math.min(dot, close));
    const micros = dot < close ? this.digits(dot + 1, this.trimmed(dot + 1, close)) : 0;
    if (seconds < 0 || micros < 0 || micros >= MICROS_PER_SECOND || seconds > LAST_SECOND) {
      return this.fail('BAD_VALUE', 'The time stamp in front is no number of seconds.');
    }
    this.record.stamp = seconds * MICROS_PER_SECOND + micros;
    this.at = close + 1;
    return true;
  }

  /** Place of a character in this line, from `from` on; the end of the line when it is not there. */
  private find(code: number, from: number): number {
    let i = from;
    while (i < this.end && this.text.charCodeAt(i) !== code) i++;
    return i;
  }

  /** Some builds pad the fraction with blanks. */
  private trimmed(from: number, to: number): number {
    let end = to;
    while (end > from && this.text.charCodeAt(end - 1) === BLANK) end--;
    return end;
  }

  private eventType(): void {
    this.skipBlanks();
    if (this.text.charCodeAt(this.at) !== OPEN) return;
    const event = this.eventHere();
    if (event === undefined) return;
    this.record.event = event;
    this.at = this.wordEnd();
  }

  private eventHere(): FlowEvent | undefined {
    if (this.startsWith('[NEW]')) return 'new';
    if (this.startsWith('[UPDATE]')) return 'update';
    return this.startsWith('[DESTROY]') ? 'destroy' : undefined;
  }

  /** Name and number; with `-o extended` and in /proc the family's name and number come first. */
  private protocol(): boolean {
    const extended = this.startsWith('ipv4 ') || this.startsWith('ipv6 ');
    if (extended && !this.named()) return false;
    if (!this.named()) return false;
    return this.record.protocol < 256 || this.fail('BAD_VALUE', 'The protocol number is above 255.');
  }

  private named(): boolean {
    this.skipBlanks();
    const nameEnd = this.wordEnd();
    if (nameEnd === this.at) return this.fail('TRUNCATED', 'The line ends before its protocol.');
    this.at = nameEnd;
    this.skipBlanks();
    const end = this.wordEnd();
    const number = this.digits(this.at, end);
    if (number === NONE) return this.fail('TRUNCATED', 'The line ends before its protocol number.');
    if (number === BAD) return this.fail('UNKNOWN_SYNTAX', 'Expected a protocol name and its number.');
    this.record.protocol = number;
    this.at = end;
    return true;
  }

  /** TCP, SCTP and DCCP print a state: a bare word of capitals. */
  private state(): void {
    const c = this.text.charCodeAt(this.at);
    if (this.at >= this.end || c < 65 || c > 90) return;
    const end = this.wordEnd();
    this.record.state = this.text.slice(this.at, end);
    this.at = end;
  }

  private pairs(): void {
    while (this.problem === undefined) {
      this.skipBlanks();
      if (this.at >= this.end) return;
      if (this.text.charCodeAt(this.at) === OPEN) this.flag();
      else this.pair();
    }
  }

  private flag(): void {
    const close = this.find(CLOSE, this.at);
    if (close === this.end) {
      this.fail('TRUNCATED', 'The line ends inside brackets.');
      return;
    }
    if (this.startsWith('[UNREPLIED]')) this.record.unreplied = true;
    else if (this.startsWith('[ASSURED]')) this.record.assured = true;
    else if (this.startsWith('[start=')) this.record.start = this.text.slice(this.at + 7, close);
    else if (this.startsWith('[stop=')) this.record.stop = this.text.slice(this.at + 6, close);
    this.at = close + 1;
  }

  private pair(): void {
    let equals = this.at;
    while (equals < this.end) {
      const c = this.text.charCodeAt(equals);
      if (c === EQUALS || c === BLANK) break;
      equals++;
    }
    if (equals >= this.end) {
      this.fail('TRUNCATED', `The line ends in the middle of "${this.text.slice(this.at, this.at + 40)}".`);
      return;
    }
    const key = this.at;
    this.at = equals + 1;
    if (this.text.charCodeAt(equals) !== EQUALS) {
      this.fail('UNKNOWN_SYNTAX', `Expected key=value, found "${this.text.slice(key, Math.min(equals, key + 40))}".`);
      return;
    }
    const end = this.wordEnd();
    this.value(key, equals - key, end);
    this.at = end;
  }

  private value(key: number, length: number, end: number): void {
    switch (this.text.charCodeAt(key)) {
      case 115: // s
        if (length === 3) this.address(key, end, true);
        else if (length === 5 && this.text.charCodeAt(key + 1) === 112) this.tuple.sport = this.port(end);
        return;
      case 100: // d
        if (length === 3) this.address(key, end, false);
        else if (length === 5 && this.text.charCodeAt(key + 1) === 112) this.tuple.dport = this.port(end);
        return;
      case 116: // t
        if (length === 4) this.tuple.type = this.number(end);
        return;
      case 99: // c
        if (length === 4) this.tuple.code = this.number(end);
        return;
      case 112: // p
        if (length === 7) this.tuple.packets = this.counter(end);
        return;
      case 98: // b
        if (length === 5) this.tuple.bytes = this.counter(end);
        return;
      case 105: // i
        if (length === 2) this.identity(end);
        return;
      case 109: // m
        if (length === 4) this.record.mark = this.number(end);
        return;
      case 122: // z
        if (length === 4) this.record.zone = this.number(end);
        return;
    }
  }

  /** `src=` opens a direction: the first the original, the second the reply. */
  private address(key: number, end: number, isSource: boolean): void {
    const named = isSource ? 'rc' : 'st';
    if (
      this.text.charCodeAt(key + 1) !== named.charCodeAt(0) ||
      this.text.charCodeAt(key + 2) !== named.charCodeAt(1)
    ) {
      return;
    }
    const value = this.text.slice(this.at, end);
    if (!isSource) {
      this.tuple.dst = value;
      return;
    }
    if (this.tuple.src !== '') this.tuple = this.record.reply;
    this.tuple.src = value;
  }

  private number(end: number): number {
    const value = this.digits(this.at, end);
    if (value < 0) this.badNumber(end);
    return value;
  }

  private badNumber(end: number): void {
    const found = this.text.slice(this.at, Math.min(end, this.at + 40));
    if (end === this.at && end === this.end) this.fail('TRUNCATED', 'The line ends before a value.');
    else this.fail('BAD_VALUE', `Expected a number, found "${found}".`);
  }

  private port(end: number): number {
    const value = this.number(end);
    if (value > 65_535) this.fail('BAD_VALUE', `${value} is no port.`);
    return value;
  }

  private counter(end: number): bigint | undefined {
    const length = end - this.at;
    if (length <= 15) return BigInt(this.number(end));
    const text = this.text.slice(this.at, end);
    if (length <= 20 && /^\d+$/.test(text)) return BigInt(text);
    this.badNumber(end);
    return undefined;
  }

  /** `id=` is ICMP's own in both directions of an echo, and the entry's at the end of a line (`-o id`). */
  private identity(end: number): void {
    const value = this.number(end);
    const protocol = this.record.protocol;
    if ((protocol === ICMP || protocol === ICMPV6) && this.tuple.icmpId === NONE) this.tuple.icmpId = value;
    else this.record.id = value;
  }

  private complete(terminated: boolean): void {
    const { original, reply, protocol } = this.record;
    if (original.src === '' || original.dst === '') this.fail('TRUNCATED', 'The line ends before its original tuple.');
    else if (reply.src === '' || reply.dst === '') this.fail('TRUNCATED', 'The line ends before its reply tuple.');
    else if (WITH_PORTS.has(protocol)) this.completePorts(terminated);
    else if (protocol === ICMP || protocol === ICMPV6) this.completeIcmp(terminated);
  }

  private completePorts(terminated: boolean): void {
    const { original, reply } = this.record;
    if (original.sport < 0 || original.dport < 0 || reply.sport < 0 || reply.dport < 0) {
      this.fail('TRUNCATED', 'A port is missing.');
    } else if (!terminated && this.cutPort()) {
      this.fail('TRUNCATED', 'The line ends in the middle of the last port.');
    }
  }

  /** An unterminated line that ends with a proper beginning of the port that the answer must carry. */
  private cutPort(): boolean {
    const { original, reply } = this.record;
    if (!this.record.raw.endsWith(`dport=${reply.dport}`)) return false;
    const whole = String(original.sport);
    return whole !== String(reply.dport) && whole.startsWith(String(reply.dport));
  }

  private completeIcmp(terminated: boolean): void {
    const { original, reply } = this.record;
    if (original.type < 0 || original.code < 0 || reply.type < 0 || reply.code < 0) {
      this.fail('TRUNCATED', 'An ICMP type or code is missing.');
    } else if (original.icmpId >= 0 && reply.icmpId < 0) {
      this.fail('TRUNCATED', 'The id of the answer is missing.');
    } else if (!terminated && reply.icmpId !== original.icmpId) {
      this.fail('TRUNCATED', 'The line ends in the middle of the last id.');
    }
  }
}
