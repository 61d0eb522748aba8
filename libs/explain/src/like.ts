import type { ConnectionEnd, ConnectionQuery, ConnectionVerdict, RulesetSnapshot } from '@whydrop/model';
import type { PolicyEngine } from '@whydrop/policy';
import type { OwnerIndex, RuleOwner } from '@whydrop/ruleset';

/** Questions of which so many differ are not a storm of like drops: the answers are not kept any longer. */
const KEPT = 20_000;

function endText(end: ConnectionEnd): string {
  if (end.kind === 'pod') return `pod ${end.namespace}/${end.name} ${end.ip ?? ''}`;
  return end.kind === 'node' ? `node ${end.name} ${end.ip ?? ''}` : `address ${end.ip}`;
}

/** Like questions have the same text: source ports and times are no part of it. */
export function queryText({ source, destination, protocol, port, icmp }: ConnectionQuery): string {
  const message = icmp ? ` ${icmp.type}/${icmp.code}` : '';
  return `${endText(source)} > ${endText(destination)} ${protocol} ${port ?? ''}${message}`;
}

/** Keeps answers by their question's text. */
export function remembered<T>(): (key: string, make: () => T) => T {
  const known = new Map<string, { readonly answer: T }>();
  return (key, make) => {
    const found = known.get(key);
    if (found) return found.answer;
    const answer = make();
    if (known.size >= KEPT) known.clear();
    known.set(key, { answer });
    return answer;
  };
}

/** The engine, with one evaluation for all like connections: a storm of drops costs one. */
export function evaluatedOnce(engine: PolicyEngine): PolicyEngine {
  const answers = remembered<ConnectionVerdict>();
  const { verdict, ask, routes, denial, isolators, findings } = engine;
  const evaluate = (query: ConnectionQuery) => answers(queryText(query), () => engine.evaluate(query));
  return { evaluate, verdict, ask, routes, denial, isolators, findings };
}

/** The index, with every chain and rule of a snapshot looked up once. */
export function lookedUpOnce(index: OwnerIndex): OwnerIndex {
  const known = new WeakMap<RulesetSnapshot, Map<string, RuleOwner | undefined>>();
  return {
    interfaceOwner: (name) => index.interfaceOwner(name),
    policyOfPrefix: (prefix) => index.policyOfPrefix(prefix),
    ownerOf: (snapshot, table, chain, rule) => {
      const owners = known.get(snapshot) ?? new Map<string, RuleOwner | undefined>();
      known.set(snapshot, owners);
      const key = rule ? `${table} ${chain} ${rule.position} ${rule.text}` : `${table} ${chain}`;
      if (owners.has(key)) return owners.get(key);
      const owner = index.ownerOf(snapshot, table, chain, rule);
      owners.set(key, owner);
      return owner;
    },
  };
}

const asking = new WeakMap<RulesetSnapshot, boolean>();

/** Whether some rule of the snapshot asks for a source port: then packets that differ in it are not alike. */
export function asksSourcePort(snapshot: RulesetSnapshot): boolean {
  const known = asking.get(snapshot);
  if (known !== undefined) return known;
  const asks = /--(sport|source-port|source-ports|sports|ports) |--match-set \S+ src,src| -m (u32|bpf|statistic) /;
  const found = snapshot.tables.some(({ chains }) =>
    chains.some(({ rules }) => rules.some(({ text }) => asks.test(text))),
  );
  asking.set(snapshot, found);
  return found;
}
