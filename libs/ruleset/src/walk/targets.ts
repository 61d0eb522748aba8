import type { RuleOption, RuleSyntax } from '../rule-syntax.js';
import { parseAddress, type Address } from './address.js';
import { combine, parseBits, parseMasked, setXmark } from './mark.js';
import { ALL_BITS, hasEntry, UNKNOWN_MARK, visibleStates, type End, type MarkBits, type WalkState } from './state.js';

/** What a rule does with a packet it matches. */
export type Effect =
  | { readonly kind: 'verdict'; readonly verdict: 'accept' | 'drop' | 'reject' | 'queue' }
  | { readonly kind: 'return' }
  /** A user chain, or a target nobody here knows. */
  | { readonly kind: 'call'; readonly name: string; readonly isGoto: boolean }
  /** Counts, logs, traces: the packet goes on as it was. */
  | { readonly kind: 'none' }
  | { readonly kind: 'change'; readonly apply: (state: WalkState) => WalkState }
  /** Translates the addresses and ends the nat table's chain. */
  | { readonly kind: 'nat'; readonly apply: (state: WalkState) => WalkState };

const NONE: Effect = { kind: 'none' };

/** Targets that let the packet go on and change nothing a later rule here asks for. */
const PASSIVE = new Set([
  'LOG',
  'NFLOG',
  'ULOG',
  'TRACE',
  'AUDIT',
  'CLASSIFY',
  'TCPMSS',
  'TCPOPTSTRIP',
  'DSCP',
  'TOS',
  'ECN',
  'CHECKSUM',
  'SET',
  'TEE',
  'RATEEST',
  'LED',
  'IDLETIMER',
  'SECMARK',
  'CONNSECMARK',
]);

const VERDICTS = { ACCEPT: 'accept', DROP: 'drop', REJECT: 'reject', QUEUE: 'queue', NFQUEUE: 'queue' } as const;

function option(options: readonly RuleOption[], name: string): string | undefined {
  return options.find((each) => each.name === name)?.values[0];
}

/** How a MARK or CONNMARK rule sets a mark, in the one form all others are: `(mark & ~mask) ^ value`. */
function xmark(options: readonly RuleOption[]): { readonly value: number; readonly mask: number } | undefined {
  const set = parseMasked(option(options, '--set-xmark') ?? '');
  if (set) return set;
  const plain = parseMasked(option(options, '--set-mark') ?? '');
  if (plain) return { value: plain.value, mask: (plain.mask | plain.value) >>> 0 };
  const and = parseBits(option(options, '--and-mark') ?? '');
  if (and !== undefined) return { value: 0, mask: ~and >>> 0 };
  const or = parseBits(option(options, '--or-mark') ?? '');
  if (or !== undefined) return { value: or, mask: or };
  const xor = parseBits(option(options, '--xor-mark') ?? '');
  return xor === undefined ? undefined : { value: xor, mask: 0 };
}

function change(apply: (state: WalkState) => WalkState): Effect {
  return { kind: 'change', apply };
}

function markEffect(options: readonly RuleOption[]): Effect {
  const set = xmark(options);
  if (!set) return change((state) => ({ ...state, mark: UNKNOWN_MARK }));
  return change((state) => ({ ...state, mark: setXmark(state.mark, set.value, set.mask) }));
}

/** Without a conntrack entry CONNMARK does nothing; when that is not known, neither is the mark afterwards. */
function withEntry(state: WalkState, apply: (state: WalkState) => WalkState, unknown: Partial<WalkState>): WalkState {
  const states = visibleStates(state);
  if (!states.some(hasEntry)) return state;
  return states.every(hasEntry) ? apply(state) : { ...state, ...unknown };
}

function connmarkEffect(options: readonly RuleOption[]): Effect {
  const set = xmark(options);
  const shared = parseBits(option(options, '--mask') ?? '') ?? ALL_BITS;
  const nfmask = parseBits(option(options, '--nfmask') ?? '') ?? shared;
  const ctmask = parseBits(option(options, '--ctmask') ?? '') ?? shared;
  const isShifted = options.some(({ name }) => name.includes('shift'));
  const has = (name: string) => options.some((each) => each.name === name);
  const lostConnmark = { connmark: UNKNOWN_MARK };
  const lostMark = { mark: UNKNOWN_MARK };
  if (has('--save-mark')) {
    const save = (state: WalkState): MarkBits =>
      isShifted ? UNKNOWN_MARK : combine(state.connmark, ctmask, state.mark, nfmask);
    return change((state) => withEntry(state, (known) => ({ ...known, connmark: save(known) }), lostConnmark));
  }
  if (has('--restore-mark')) {
    const restore = (state: WalkState): MarkBits =>
      isShifted ? UNKNOWN_MARK : combine(state.mark, nfmask, state.connmark, ctmask);
    return change((state) => withEntry(state, (known) => ({ ...known, mark: restore(known) }), lostMark));
  }
  const assign = (mark: MarkBits) => (set ? setXmark(mark, set.value, set.mask) : UNKNOWN_MARK);
  return change((state) => withEntry(state, (known) => ({ ...known, connmark: assign(known.connmark) }), lostConnmark));
}

/** What `--to-destination` and its relatives name: an address or a range of them, ports or none. */
interface Translation {
  /** null: the address stays; undefined: one of several. */
  readonly address: Address | null | undefined;
  readonly port: number | null | undefined;
}

/** Reads `10.0.0.1`, `10.0.0.1:80`, `10.0.0.1-10.0.0.9:80-90`, `:80`, `[fd00::1]:80`. */
function parseTranslation(text: string): Translation {
  const match = /^(?:\[([^\]]+)\]|([^:]*)|(.*:.*:.*))(?::(\d+)(?:-(\d+)(?:\/\d+)?)?)?$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? match?.[3] ?? '';
  const [first = '', last] = host.split('-');
  const isRange = last !== undefined && last !== first;
  const port = match?.[4];
  const isPortRange = match?.[5] !== undefined && match[5] !== port;
  return {
    address: first === '' ? null : isRange ? undefined : parseAddress(first),
    port: port === undefined ? null : isPortRange ? undefined : Number(port),
  };
}

function translated(end: End, to: Translation): End {
  return {
    address: to.address === null ? end.address : to.address,
    port: to.port === null ? end.port : to.port,
  };
}

function sameEnd(a: End, b: End): boolean | undefined {
  if (a.address === undefined || b.address === undefined) return undefined;
  return a.address === b.address && a.port === b.port;
}

function dnatEffect(to: Translation): Effect {
  return {
    kind: 'nat',
    apply: (state) => {
      const destination = translated(state.destination, to);
      const isSame = sameEnd(destination, state.destination);
      return { ...state, destination, isDnat: isSame === undefined ? undefined : !isSame };
    },
  };
}

/** The source is translated on the way out; only the state flag can matter to a rule behind it. */
const SNAT: Effect = { kind: 'nat', apply: (state) => ({ ...state, isSnat: undefined }) };

/** REDIRECT sends to the address of the input interface (PREROUTING) or to localhost (OUTPUT). */
function redirectEffect(options: readonly RuleOption[]): Effect {
  const { port } = parseTranslation(`:${option(options, '--to-ports') ?? ''}`);
  return {
    kind: 'nat',
    apply: (state) => ({
      ...state,
      destination: translated(state.destination, { address: undefined, port }),
      isRedirected: true,
      // Sent to where it went anyway, it is not translated; which of the node's addresses that is, is not known here.
      isDnat: typeof port === 'number' && port !== state.destination.port ? true : undefined,
    }),
  };
}

const NEW_TTL: Effect = change((state) => ({ ...state, ttl: undefined }));

const NOTRACK: Effect = change((state) => ({ ...state, notrack: true }));

function ctEffect(options: readonly RuleOption[]): Effect {
  return options.some(({ name }) => name === '--notrack') ? NOTRACK : NONE;
}

/** What a rule does, read from its target and the target's options. */
export function effectOf(syntax: RuleSyntax): Effect {
  const { target, targetOptions, isGoto } = syntax;
  if (target === undefined) return NONE;
  if (isGoto) return { kind: 'call', name: target, isGoto };
  if (target in VERDICTS) return { kind: 'verdict', verdict: VERDICTS[target as keyof typeof VERDICTS] };
  if (PASSIVE.has(target)) return NONE;
  switch (target) {
    case 'RETURN':
      return { kind: 'return' };
    case 'MARK':
      return markEffect(targetOptions);
    case 'CONNMARK':
      return connmarkEffect(targetOptions);
    case 'DNAT':
      return dnatEffect(parseTranslation(option(targetOptions, '--to-destination') ?? ''));
    case 'REDIRECT':
      return redirectEffect(targetOptions);
    case 'SNAT':
    case 'MASQUERADE':
      return SNAT;
    case 'NETMAP':
      return { kind: 'nat', apply: (state) => ({ ...state, isDnat: undefined, isSnat: undefined }) };
    case 'TTL':
    case 'HL':
      return NEW_TTL;
    case 'NOTRACK':
      return NOTRACK;
    case 'CT':
      return ctEffect(targetOptions);
    default:
      return { kind: 'call', name: target, isGoto: false };
  }
}
