/**
 * A storm of like drops through the correlation, on one core: drops a second, and how often the policies were evaluated for
 * them. Clients differ in their source ports only, as replicas of one workload that try again and again do.
 * Build (`npx nest build --all`), then `node dist/bench/correlate.js [drops, 1000000]`.
 */
import { type ClusterHistory, type ClusterView, correlate, type Surroundings, type Witnesses } from '@whydrop/explain';
import type { ConnectionVerdict } from '@whydrop/model';
import type { PolicyEngine } from '@whydrop/policy';
import { captured } from '../libs/explain/src/fixture.js';
import { OBJECTS, ruleset } from '../libs/explain/src/shop.js';
import { logged, unanswered } from '../libs/explain/src/storm.js';

const DROPS = Number(process.argv[2] ?? 1_000_000);
/** Drops in one run of the correlation. */
const CHUNK = 5_000;

/** Evidence of a run of drops: of a log and conntrack, or of conntrack and counters only. */
function witnesses(kind: 'logged' | 'counted', first: number): Witnesses {
  const all = Array.from({ length: CHUNK }, (_, i) => first + i);
  const n1 = { conntrack: all.map(unanswered).join('') };
  const n2 = kind === 'logged' ? { nflog: all.map(logged).join('') } : {};
  return captured(OBJECTS, { n1, n2 }).witnesses;
}

/** A history that counts evaluations: like questions are given the same one. */
function counting(history: ClusterHistory): { readonly history: ClusterHistory; readonly evaluations: () => number } {
  const verdicts = new Set<ConnectionVerdict>();
  const views = new WeakMap<ClusterView, ClusterView>();
  const wrap = (view: ClusterView): ClusterView => {
    const inner = view.engine;
    const engine: PolicyEngine = {
      ...inner,
      verdict: (query) => inner.verdict(query),
      evaluate: (query) => {
        const verdict = inner.evaluate(query);
        verdicts.add(verdict);
        return verdict;
      },
    };
    return Object.create(view, { engine: { value: engine } }) as ClusterView;
  };
  const at: ClusterHistory['at'] = (instant) => {
    const view = history.at(instant);
    const known = views.get(view) ?? wrap(view);
    views.set(view, known);
    return known;
  };
  return { history: { ...history, at }, evaluations: () => verdicts.size };
}

/** What is stored once for like drops: everything but evidence, sentence and the drop's own ends. */
function sharedPart({ drop }: ReturnType<typeof correlate>[number]): string {
  const { evidence: _evidence, sentence: _sentence, ...shared } = drop.explanation;
  return JSON.stringify(shared, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

function storm(kind: 'logged' | 'counted'): void {
  const complete = ['conntrack', 'iptables', 'nflog'];
  const seconds = Math.ceil(DROPS / 50_000) + 10;
  const rulesets = { 0: ruleset(0), [seconds]: ruleset(DROPS) };
  const { surroundings } = captured(OBJECTS, { n1: { complete }, n2: { complete, rulesets, addresses: [] } });
  const { history, evaluations } = counting(surroundings.history);
  const around: Surroundings = { ...surroundings, history };
  const explanations = new Set<string>();
  let [drops, milliseconds] = [0, 0];
  for (let first = 0; first < DROPS; first += CHUNK) {
    const seen = witnesses(kind, first);
    const began = process.cpuUsage();
    const found = correlate(seen, around);
    const { user, system } = process.cpuUsage(began);
    milliseconds += (user + system) / 1000;
    drops += found.length;
    for (let i = 0; i < found.length; i += 97) explanations.add(sharedPart(found[i] as (typeof found)[number]));
  }
  const rate = Math.round(drops / (milliseconds / 1000)).toLocaleString('en');
  const told = `${drops.toLocaleString('en')} drops, ${evaluations()} evaluations, ${explanations.size} explanations`;
  process.stdout.write(`${kind.padEnd(8)} ${told}, ${rate} drops a second and core\n`);
}

storm('logged');
storm('counted');
