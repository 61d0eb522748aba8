import type { RulesetSnapshot, TraceHit, TraceObservation } from '@whydrop/model';
import type { Topology } from './topology.js';

/** What a comparison needs of a trace. */
export type Trace = Pick<TraceObservation, 'hits'>;

/** Position of a rule by `table chain handle`. */
export type Handles = ReadonlyMap<string, number>;

/** Reads the handles of every rule as `nft -a list` prints them: chain by chain, in order. */
export async function handlesOf(topology: Topology, ruleset: RulesetSnapshot): Promise<Handles> {
  const handles = new Map<string, number>();
  for (const { name: table } of ruleset.tables) {
    let chain = '';
    let position = 0;
    for (const line of (await topology.listHandles(table)).split('\n')) {
      const begins = /^\tchain (\S+) \{/.exec(line);
      const handle = /^\t\t.* # handle (\d+)$/.exec(line)?.[1];
      if (begins) [chain, position] = [begins[1] ?? '', 0];
      else if (handle !== undefined) handles.set(`${table} ${chain} ${handle}`, ++position);
    }
  }
  return handles;
}

const LINE =
  /trace id (\w+) ip6 (\S+) (\S+) (packet: .*flowlabel (\d+) |rule .* # handle (\d+) \(verdict (\w+)|policy (\w+))/;

function ruleVerdict(word: string, target: string | undefined): TraceHit['verdict'] {
  if (word === 'drop') return target === 'REJECT' ? 'REJECT' : 'DROP';
  const verdicts = { accept: 'ACCEPT', continue: 'CONTINUE', jump: 'JUMP', goto: 'GOTO', return: 'RETURN' } as const;
  return verdicts[word as keyof typeof verdicts] ?? 'CONTINUE';
}

function hit(ruleset: RulesetSnapshot, table: string, chain: string, position: number, word: string): TraceHit {
  const rules = ruleset.tables.find(({ name }) => name === table)?.chains.find(({ name }) => name === chain)?.rules;
  const rule = rules?.[position - 1];
  const verdict = ruleVerdict(word, rule?.target);
  return { table, chain, handle: undefined, position, verdict, jumpTo: undefined, text: rule?.text };
}

function policyHit(table: string, chain: string, word: string): TraceHit {
  const verdict = word === 'drop' ? 'POLICY_DROP' : 'POLICY_ACCEPT';
  return { table, chain, handle: undefined, position: undefined, verdict, jumpTo: undefined, text: undefined };
}

/** Traces by the packet's flow label. A trace id is used again for later packets, so a `packet:` line names the packet. */
export function tracesByLabel(text: string, ruleset: RulesetSnapshot, handles: Handles): ReadonlyMap<number, Trace> {
  const hits = new Map<number, TraceHit[]>();
  const labels = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, id = '', table = '', chain = '', , label, handle, verdict, policy] = LINE.exec(line) ?? [];
    if (label !== undefined) labels.set(id, Number(label));
    const list = hits.get(labels.get(id) ?? -1) ?? [];
    hits.set(labels.get(id) ?? -1, list);
    if (policy !== undefined) list.push(policyHit(table, chain, policy));
    const position = handle === undefined ? undefined : handles.get(`${table} ${chain} ${handle}`);
    if (position !== undefined) list.push(hit(ruleset, table, chain, position, verdict ?? ''));
  }
  return new Map(Array.from(hits, ([label, list]) => [label, { hits: list }]));
}
