import type { Chain, ChainRule, Hook, IpsetSnapshot, RulesetSnapshot } from '@whydrop/model';
import { type BaseChain, baseChainsOf, setsFor } from './base-chains.js';
import { chainsOf, findChain } from './chain-lookup.js';
import { netContains, parseAddress, parseNet } from './walk/address.js';
import { compileRule, type CompiledRule } from './walk/compile.js';
import { answer, assumeCriterion, type Criterion } from './walk/criterion.js';
import {
  ALL_BITS,
  createWorld,
  initialState,
  type Route,
  type StepList,
  type TableKind,
  type WalkPacket,
  type WalkState,
  type WalkStep,
  type World,
  visibleInterface,
} from './walk/state.js';

/** A base chain on a packet's way. */
export type PathStop = `${'raw' | 'mangle' | 'nat' | 'filter' | 'security'}:${Hook}`;

export interface WalkInput {
  readonly ruleset: RulesetSnapshot;
  readonly ipsets: IpsetSnapshot | undefined;
  readonly packet: WalkPacket;
  /** Base chains to run through, in order; derived from the packet when absent. */
  readonly path?: readonly PathStop[];
  /** Base chains that stand in for the tables of iptables; those of the ruleset when absent. */
  readonly baseChains?: readonly BaseChain[];
  /** The node's own addresses (`10.0.0.1`, `10.0.0.1/24`): for addrtype, and to tell INPUT from FORWARD. */
  readonly localAddresses?: readonly string[];
  /** Routes of the node, for the output interface where the packet does not name it. */
  readonly routes?: readonly Route[];
  /** Also list the rules that were asked and did not match. */
  readonly withMisses?: boolean;
}

/** One way the walk can end. `accept`: every chain of the path let the packet pass. */
export interface WalkOutcome {
  readonly verdict: 'accept' | 'drop' | 'reject' | 'queue' | 'unknown';
  /** Where it was decided; for `accept` where the filter table decided, when it was asked. */
  readonly table: string;
  readonly chain: string;
  /** 1-based; 0 for a chain policy. */
  readonly position: number;
  readonly text: string;
  readonly rule: ChainRule | undefined;
  readonly policy: 'ACCEPT' | 'DROP' | undefined;
  readonly path: readonly WalkStep[];
  /** What was taken to hold on this way because no fact decides it; empty when every way ends here. */
  readonly assuming: readonly string[];
  /** Packet mark at the end; undefined when some of its bits are not known. */
  readonly mark: number | undefined;
  /** Whether the destination was translated on the way, as far as it is known. */
  readonly isDnat: boolean | undefined;
}

export interface WalkResult {
  /** Every possible end, each rule once; exactly one when the walk is certain. */
  readonly outcomes: readonly WalkOutcome[];
  readonly certain: boolean;
  /** The steps that all outcomes share, in order; the whole way when the walk is certain. */
  readonly path: readonly WalkStep[];
  /** Facts that would decide. */
  readonly missing: readonly string[];
  readonly finalMark: number | undefined;
}

const PREROUTING: readonly PathStop[] = ['raw:PREROUTING', 'mangle:PREROUTING', 'nat:PREROUTING'];
const POSTROUTING: readonly PathStop[] = ['mangle:POSTROUTING', 'nat:POSTROUTING'];

const PATHS: Readonly<Record<Hook, readonly PathStop[]>> = {
  PREROUTING,
  INPUT: [...PREROUTING, 'mangle:INPUT', 'filter:INPUT', 'security:INPUT', 'nat:INPUT'],
  FORWARD: [...PREROUTING, 'mangle:FORWARD', 'filter:FORWARD', 'security:FORWARD', ...POSTROUTING],
  OUTPUT: ['raw:OUTPUT', 'mangle:OUTPUT', 'nat:OUTPUT', 'filter:OUTPUT', 'security:OUTPUT', ...POSTROUTING],
  POSTROUTING,
};

function isLocal(address: string, localAddresses: readonly string[]): boolean {
  const ip = parseNet(address);
  return (
    ip !== undefined &&
    localAddresses.some((text) => {
      const own = parseNet(text.split('/')[0] ?? text);
      return own !== undefined && netContains(own, ip.base);
    })
  );
}

/** The hook that filters a packet, from what is known of its interfaces and the node's addresses. */
export function hookOf(packet: WalkPacket, localAddresses?: readonly string[]): Hook {
  if (packet.hook) return packet.hook;
  if (packet.inInterface === null) return 'OUTPUT';
  if (packet.outInterface === null) return 'INPUT';
  if (packet.inInterface !== undefined && packet.outInterface !== undefined) return 'FORWARD';
  if (packet.outInterface !== undefined && localAddresses && isLocal(packet.tuple.source, localAddresses))
    return 'OUTPUT';
  return localAddresses && isLocal(packet.tuple.destination, localAddresses) ? 'INPUT' : 'FORWARD';
}

/** A chain being run: the next rule in it is `at`. */
interface Frame {
  readonly chain: Chain;
  readonly at: number;
}

/** A base chain as the walk needs it: where it is, and what kind of table it belongs to. */
interface Stop {
  readonly table: string;
  readonly chain: string;
  readonly hook: Hook;
  readonly kind: TableKind;
}

function stopOf(text: PathStop): Stop {
  const [table = '', hook = ''] = text.split(':');
  const kind = table === 'raw' || table === 'nat' || table === 'filter' ? table : 'other';
  return { table, chain: hook, hook: hook as Hook, kind };
}

/** Priorities at which conntrack looks at a packet: what runs before it is like the raw table. */
const CONNTRACK_PRIORITY = -200;
const MANGLE_PRIORITY = -150;

function stopOfBase({ table, chain, hook, type, priority }: BaseChain): Stop {
  const isEarly = (hook === 'PREROUTING' || hook === 'OUTPUT') && priority < CONNTRACK_PRIORITY;
  const kind = type === 'nat' ? 'nat' : isEarly ? 'raw' : priority > MANGLE_PRIORITY ? 'filter' : 'other';
  return { table, chain, hook, kind };
}

/** Base chains of some hooks, in the kernel's order. */
function stopsOfHooks(hooks: readonly Hook[], baseChains: readonly BaseChain[] | undefined): readonly Stop[] {
  if (!baseChains) {
    const stops = hooks.flatMap((hook) =>
      hook === 'PREROUTING' ? PREROUTING : PATHS[hook].filter((text) => text.endsWith(hook)),
    );
    return stops.map(stopOf);
  }
  return hooks.flatMap((hook) =>
    baseChains
      .filter((base) => base.hook === hook)
      .toSorted((a, b) => a.priority - b.priority)
      .map(stopOfBase),
  );
}

/** Hooks a packet runs through when it is filtered at this one. */
const HOOKS_TO: Readonly<Record<Hook, readonly Hook[]>> = {
  PREROUTING: ['PREROUTING'],
  INPUT: ['PREROUTING', 'INPUT'],
  FORWARD: ['PREROUTING', 'FORWARD', 'POSTROUTING'],
  OUTPUT: ['OUTPUT', 'POSTROUTING'],
  POSTROUTING: ['POSTROUTING'],
};

/** One branch of the walk. */
interface Branch {
  readonly state: WalkState;
  readonly path: readonly Stop[];
  /** Index of the base chain on the path. */
  readonly stop: number;
  /** Routing has not been asked yet: the path goes on by what the destination then is. */
  readonly isOpenEnded: boolean;
  readonly frames: readonly Frame[];
  /** Criteria of the next rule that this branch takes to hold although they may answer differently each time. */
  readonly granted: ReadonlySet<Criterion>;
  /** Where the filter table let the packet pass. */
  readonly passed: Omit<WalkStep, 'matched'> | undefined;
  readonly isPassedByFilter: boolean;
}

const NOTHING: ReadonlySet<Criterion> = new Set();

/** More branches than a person could read, and enough for every ruleset seen. */
const BRANCH_LIMIT = 2_000;
const DEPTH_LIMIT = 128;

class Walk {
  readonly #world: World;
  readonly #withMisses: boolean;
  readonly #baseChains: readonly BaseChain[] | undefined;
  readonly #open: Branch[] = [];
  readonly #outcomes = new Map<string, WalkOutcome>();
  readonly #missing = new Set<string>();
  #branches = 1;

  constructor(world: World, baseChains: readonly BaseChain[] | undefined, withMisses: boolean) {
    this.#world = world;
    this.#baseChains = baseChains;
    this.#withMisses = withMisses;
  }

  run(state: WalkState, path: readonly Stop[], isOpenEnded: boolean): WalkResult {
    this.#enter({
      state,
      path,
      stop: -1,
      isOpenEnded,
      frames: [],
      granted: NOTHING,
      passed: undefined,
      isPassedByFilter: false,
    });
    for (let branch = this.#open.pop(); branch; branch = this.#open.pop()) this.#follow(branch);
    return this.#result();
  }

  #result(): WalkResult {
    const found = [...this.#outcomes.values()];
    const [first] = found;
    const { otherBackendPresent, backend } = this.#world.ruleset;
    // Whatever the open questions are answered with, the end is the same.
    const isOne = found.length === 1 && first?.verdict !== 'unknown';
    const isHidden = otherBackendPresent && found.some(({ verdict }) => verdict === 'accept');
    const missing = isOne ? new Set<string>() : new Set(this.#missing);
    if (isHidden) missing.add(`rules of the ${backend === 'nft' ? 'legacy' : 'nft'} backend`);
    const outcomes = isOne ? found.map((outcome) => ({ ...outcome, assuming: [] })) : found;
    return {
      outcomes,
      certain: isOne && !isHidden,
      path: sharedPath(outcomes.map(({ path }) => path)),
      missing: [...missing],
      finalMark: outcomes.every(({ mark }) => mark === first?.mark) ? first?.mark : undefined,
    };
  }

  /** Goes on to the next base chain that exists and that the packet runs through. */
  #enter(branch: Branch): void {
    for (let stop = branch.stop + 1; stop < branch.path.length; stop++) {
      const at = branch.path[stop];
      const chain = at && findChain(this.#world.ruleset, at.table, at.chain);
      if (!chain) continue;
      const state = enterHook(branch.state, at);
      const next = { ...branch, state, stop, frames: [{ chain, at: 0 }], granted: NOTHING };
      if (at.kind !== 'nat') return void this.#open.push(next);
      const translates = runsNat(state);
      if (translates === true) return void this.#open.push(next);
      if (translates === undefined) {
        const criterion = IS_NEW;
        this.#push({ ...next, state: assumeCriterion(criterion, state, true, this.#world) });
        this.#enter({ ...branch, stop, state: assumeCriterion(criterion, state, false, this.#world) });
        return;
      }
    }
    if (branch.isOpenEnded) this.#route(branch);
    else this.#finish(branch);
  }

  /** Routing: to the node itself, or through it. */
  #route(branch: Branch): void {
    const goOn = (state: WalkState, hook: 'INPUT' | 'FORWARD') => {
      const path = [...branch.path, ...stopsOfHooks(HOOKS_TO[hook].slice(1), this.#baseChains)];
      this.#enter({ ...branch, state, path, stop: branch.path.length - 1, isOpenEnded: false });
    };
    const isToNode = answer(IS_TO_NODE, branch.state, this.#world);
    for (const way of isToNode === undefined ? [true, false] : [isToNode]) {
      const state = isToNode === undefined ? assumeCriterion(IS_TO_NODE, branch.state, way, this.#world) : branch.state;
      goOn(state, way ? 'INPUT' : 'FORWARD');
    }
  }

  #finish({ state, passed }: Branch): void {
    const last = passed ?? { table: state.table, chain: state.baseChain, position: 0, text: '', rule: undefined };
    this.#decide('accept', state, last);
  }

  #push(branch: Branch): void {
    if (++this.#branches > BRANCH_LIMIT) {
      this.#missing.add('too many open questions to follow them all');
      const frame = branch.frames.at(-1);
      this.#decide('unknown', branch.state, place(branch.state.table, frame?.chain.name ?? '', undefined));
    } else this.#open.push(branch);
  }

  #decide(verdict: WalkOutcome['verdict'], state: WalkState, at: Omit<WalkStep, 'matched'>): void {
    for (const missing of state.missing) this.#missing.add(missing);
    const key = `${verdict} ${at.table} ${at.chain} ${at.position}`;
    const mark = state.mark.known === ALL_BITS ? state.mark.value : undefined;
    const known = this.#outcomes.get(key);
    if (known) {
      if (known.mark !== mark) this.#outcomes.set(key, { ...known, mark: undefined });
      return;
    }
    this.#outcomes.set(key, {
      verdict,
      table: at.table,
      chain: at.chain,
      position: at.position,
      text: at.text,
      rule: at.rule,
      policy: at.position === 0 ? findChain(this.#world.ruleset, at.table, at.chain)?.policy : undefined,
      path: stepsOf(state.steps),
      assuming: state.assuming,
      mark,
      isDnat: state.isDnat,
    });
  }

  /** Follows one branch until it ends or forks. */
  #follow(start: Branch): void {
    for (let branch: Branch | undefined = start; branch;) branch = this.#step(branch);
  }

  #step(branch: Branch): Branch | undefined {
    const frame = branch.frames.at(-1);
    if (!frame) return this.#chainPolicy(branch);
    const { rules } = frame.chain;
    for (let { at } = frame; ; at++) {
      const rule = rules[at];
      if (!rule) return returned(branch);
      const compiled = compileRule(rule.text);
      const asked = this.#ask(compiled, branch);
      // Most rules do not match; nothing but the place changes then.
      if (asked === false && !this.#withMisses && branch.granted.size === 0) continue;
      const here = { chain: frame.chain, at };
      if (asked === false) return this.#skip(branch, here, rule);
      if (asked === true) return this.#act(branch, here, rule, compiled, branch.granted.size > 0 ? 'maybe' : 'yes');
      if (compiled.effect.kind === 'none') return this.#act(branch, here, rule, compiled, 'maybe');
      return this.#fork(branch, here, rule, asked);
    }
  }

  /** Whether the rule matches; the first undecided criterion when none rules it out. */
  #ask({ criteria }: CompiledRule, { state, granted }: Branch): boolean | Criterion {
    let undecided: Criterion | undefined;
    for (const criterion of criteria) {
      if (granted.has(criterion)) continue;
      const found = answer(criterion, state, this.#world);
      if (found === false) return false;
      if (found === undefined) undecided ??= criterion;
    }
    return undecided ?? true;
  }

  #fork(branch: Branch, frame: Frame, rule: ChainRule, criterion: Criterion): Branch {
    const fails = assumeCriterion(criterion, branch.state, false, this.#world);
    const skipped = this.#skip({ ...branch, state: fails, granted: NOTHING }, frame, rule);
    this.#push(skipped);
    const holds = assumeCriterion(criterion, branch.state, true, this.#world);
    const frames = [...branch.frames.slice(0, -1), frame];
    return { ...branch, state: holds, frames, granted: new Set([...branch.granted, criterion]) };
  }

  #skip(branch: Branch, frame: Frame, rule: ChainRule): Branch {
    const next = advance(branch, frame);
    return this.#withMisses ? { ...next, state: visited(next.state, frame.chain, rule, 'no') } : next;
  }

  #act(
    branch: Branch,
    frame: Frame,
    rule: ChainRule,
    { effect }: CompiledRule,
    matched: WalkStep['matched'],
  ): Branch | undefined {
    const state = visited(branch.state, frame.chain, rule, matched);
    const here = place(state.table, frame.chain.name, rule);
    const next = advance({ ...branch, state }, frame);
    switch (effect.kind) {
      case 'none':
        return next;
      case 'change':
        return { ...next, state: effect.apply(state) };
      case 'nat':
        return this.#accept({ ...next, state: effect.apply(state) }, here);
      case 'return':
        return returned(next);
      case 'call':
        return this.#call(next, here, effect.name, effect.isGoto);
      case 'verdict':
        if (effect.verdict === 'accept') return this.#accept(next, here);
        this.#decide(effect.verdict, state, here);
        return undefined;
      default:
        return effect satisfies never;
    }
  }

  #call(branch: Branch, here: Omit<WalkStep, 'matched'>, name: string, isGoto: boolean): Branch | undefined {
    const chain = chainsOf(this.#world.ruleset, branch.state.table).get(name);
    if (!chain || branch.frames.length > DEPTH_LIMIT) {
      this.#missing.add(chain ? 'end of the jumps' : `what target ${name} does`);
      this.#decide('unknown', branch.state, here);
      return undefined;
    }
    const frames = isGoto ? branch.frames.slice(0, -1) : branch.frames;
    return { ...branch, frames: [...frames, { chain, at: 0 }] };
  }

  /** A base chain let the packet pass: the next one is asked. */
  #accept(branch: Branch, here: Omit<WalkStep, 'matched'>): undefined {
    const isFilter = branch.state.kind === 'filter';
    const passed = isFilter || !branch.isPassedByFilter ? here : branch.passed;
    this.#enter({ ...branch, passed, isPassedByFilter: isFilter || branch.isPassedByFilter });
  }

  #chainPolicy(branch: Branch): undefined {
    const { table, baseChain } = branch.state;
    const policy = findChain(this.#world.ruleset, table, baseChain)?.policy ?? 'ACCEPT';
    const here = { table, chain: baseChain, position: 0, text: `:${baseChain} ${policy}`, rule: undefined };
    const steps = { step: { ...here, matched: 'yes' as const }, before: branch.state.steps };
    const state = { ...branch.state, steps };
    if (policy === 'ACCEPT') return this.#accept({ ...branch, state }, here);
    this.#decide('drop', state, here);
  }
}

/** Whether the nat table is asked: it sees the first packet of a connection only. */
function runsNat({ ct, notrack, protocol }: WalkState): boolean | undefined {
  if (notrack) return false;
  const asks = ct.map((each) => each === 'NEW' || (each === 'RELATED' && !protocol.startsWith('ICMP')));
  if (asks.every(Boolean)) return true;
  return asks.some(Boolean) ? undefined : false;
}

const IS_NEW: Criterion = {
  text: 'conntrack --ctstate NEW',
  isFact: true,
  missing: 'conntrack state',
  test: ({ ct }) => (ct.includes('NEW') ? (ct.length === 1 ? true : undefined) : false),
  assume: (state, holds) => ({
    ...state,
    ct: state.ct.filter(
      (each) => (each === 'NEW' || (each === 'RELATED' && !state.protocol.startsWith('ICMP'))) === holds,
    ),
  }),
};

/** Whether routing hands the packet to the node itself. */
const IS_TO_NODE: Criterion = {
  text: 'destination is an address of the node',
  isFact: true,
  missing: 'translated destination',
  test: ({ isRedirected, destination: { address } }, { localAddresses }) => {
    if (isRedirected) return true;
    if (address === undefined || !localAddresses) return undefined;
    return localAddresses.some((text) => parseAddress(text) === address);
  },
};

/** Conntrack looks at a packet between raw and the tables behind it. */
function enterHook(state: WalkState, { table, chain, hook, kind }: Stop): WalkState {
  const isForwarded = state.hook === 'PREROUTING' && hook === 'FORWARD';
  const ttl = isForwarded && state.ttl !== undefined ? state.ttl - 1 : state.ttl;
  // Within OUTPUT every chain sees the interface that was chosen first, also behind a DNAT there.
  const outInterface = state.hook === 'OUTPUT' && hook !== 'OUTPUT' ? state.packet.outInterface : state.outInterface;
  const next = { ...state, table, baseChain: chain, hook, kind, ttl, outInterface };
  if (kind === 'raw' || state.kind !== 'raw') return next;
  if (state.notrack) return { ...next, ct: ['UNTRACKED'] };
  const tracked = state.ct.filter((each) => each !== 'UNTRACKED');
  return tracked.length > 0 ? { ...next, ct: tracked } : next;
}

function place(table: string, chain: string, rule: ChainRule | undefined): Omit<WalkStep, 'matched'> {
  return { table, chain, position: rule?.position ?? 0, text: rule?.text ?? '', rule };
}

function visited(state: WalkState, chain: Chain, rule: ChainRule, matched: WalkStep['matched']): WalkState {
  const step: WalkStep = { ...place(state.table, chain.name, rule), matched };
  return { ...state, steps: { step, before: state.steps } };
}

function advance(branch: Branch, frame: Frame): Branch {
  const frames = [...branch.frames.slice(0, -1), { ...frame, at: frame.at + 1 }];
  return { ...branch, frames, granted: NOTHING };
}

/** End of a chain, or RETURN: back to the caller, or to the policy of the base chain. */
function returned(branch: Branch): Branch {
  return { ...branch, frames: branch.frames.slice(0, -1), granted: NOTHING };
}

function stepsOf(list: StepList | undefined): readonly WalkStep[] {
  const steps: WalkStep[] = [];
  for (let each = list; each; each = each.before) steps.push(each.step);
  return steps.toReversed();
}

function sameStep(a: WalkStep, b: WalkStep | undefined): boolean {
  return a.table === b?.table && a.chain === b.chain && a.position === b.position && a.matched === b.matched;
}

function sharedPath(paths: readonly (readonly WalkStep[])[]): readonly WalkStep[] {
  const [first = [], ...rest] = paths;
  let length = first.length;
  for (const path of rest) {
    const differs = first.findIndex((step, i) => !sameStep(step, path[i]));
    if (differs >= 0) length = Math.min(length, differs);
  }
  return first.slice(0, length);
}

/**
 * Runs a packet through a ruleset as the kernel would. What the facts do not decide forks the walk, consistently: a fact
 * taken to hold once holds to the end of that branch. The result lists every possible end; it is certain when there is
 * one and nothing was assumed. Source: torvalds/linux `net/ipv4/netfilter/ip_tables.c` (ipt_do_table) and the matches.
 */
export function walkPacket(input: WalkInput): WalkResult {
  const { packet, localAddresses } = input;
  const baseChains = input.baseChains ?? baseChainsOf(input.ruleset);
  const isOpenEnded = input.path === undefined && localAddresses !== undefined && isUnrouted(packet);
  const hooks = isOpenEnded ? HOOKS_TO.PREROUTING : HOOKS_TO[hookOf(packet, localAddresses)];
  const asked = input.path?.map(stopOf);
  // A path names chains of iptables: native tables have theirs at the same hooks.
  const path =
    asked && baseChains
      ? stopsOfHooks([...new Set(asked.map(({ hook }) => hook))], baseChains)
      : (asked ?? stopsOfHooks(hooks, baseChains));
  const first = path[0] ?? { hook: hooks[0] ?? 'FORWARD', table: 'filter', chain: 'FORWARD', kind: 'filter' };
  const ipsets = setsFor(input.ruleset, input.ipsets?.sets);
  const world = createWorld({ ruleset: input.ruleset, ipsets, localAddresses, routes: input.routes });
  const start = { ...initialState(packet, first.hook, first.table), baseChain: first.chain, kind: first.kind };
  const state = { ...start, outInterface: start.outInterface ?? firstOutInterface(start, world) };
  return new Walk(world, baseChains, input.withMisses ?? false).run(state, path, isOpenEnded);
}

/** The node's own packets are routed before the first chain sees them. */
function firstOutInterface(state: WalkState, world: World): string | null | undefined {
  if (state.outInterface === null || state.hook !== 'OUTPUT') return state.outInterface;
  return visibleInterface(state, 'outInterface', world);
}

/** It came in by an interface, and nothing says where it goes. */
function isUnrouted({ hook, inInterface, outInterface }: WalkPacket): boolean {
  return hook === undefined && typeof inInterface === 'string' && outInterface === undefined;
}
