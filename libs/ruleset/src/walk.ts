import type { ChainRule, IpsetSnapshot, RulesetSnapshot } from '@whydrop/model';
import { type BaseChain, baseChainsOf, setsFor } from './base-chains.js';
import { chainsOf, findChain } from './chain-lookup.js';
import { enterHook, firstOutInterface, IS_NEW, IS_TO_NODE, runsNat } from './walk/between-hooks.js';
import { advance, type Branch, type Frame, NOTHING, place, returned, visited } from './walk/branch.js';
import { compileRule, type CompiledRule } from './walk/compile.js';
import { answer, assumeCriterion, type Criterion } from './walk/criterion.js';
import { sharedPath, stepsOf, type WalkOutcome, type WalkResult } from './walk/outcome.js';
import { HOOKS_TO, hookOf, isUnrouted, type PathStop, type Stop, stopOf, stopsOfHooks } from './walk/path.js';
import {
  ALL_BITS,
  createWorld,
  initialState,
  type Route,
  type WalkPacket,
  type WalkState,
  type WalkStep,
  type World,
} from './walk/state.js';

export type { WalkOutcome, WalkResult } from './walk/outcome.js';
export { hookOf, type PathStop } from './walk/path.js';

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

/** More branches than a person could read, and enough for every ruleset seen. */
const BRANCH_LIMIT = 2_000;
const DEPTH_LIMIT = 128;

/** The machine: branches are open until each has ended, and every end is noted once. */
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
