import type { ChainRule, ChainRuleRef, RulesetSnapshot, TraceHit } from '@whydrop/model';
import { type LogRule, restsOnAnother, viaOf, type Visited } from '@whydrop/ruleset';
import { asksSourcePort } from './like.js';
import { endingsOfLogged } from './logged-walk.js';
import { chainRuleRef } from './chain-rule-ref.js';
import type { Surroundings } from './surroundings.js';
import type { ClusterView } from './view.js';
import type { PacketWitness } from './witness.js';

/** The rule that sent a packet to the one that ended it, as answers cite it; `way` is the packet's, its end last. */
export function viaRef(
  node: string,
  snapshot: RulesetSnapshot,
  way: readonly Visited[],
  view: ClusterView,
): ChainRuleRef | undefined {
  const step = viaOf(snapshot, way);
  return step?.rule && refOf(node, snapshot, { ...step, rule: step.rule }, view);
}

function refOf(
  node: string,
  snapshot: RulesetSnapshot,
  { table, chain, rule }: Visited & { readonly rule: ChainRule },
  view: ClusterView,
): ChainRuleRef {
  return chainRuleRef(node, table, chain, rule, view.owners.ownerOf(snapshot, table, chain, rule));
}

/** A traced way: what the kernel names by text and place, found in the ruleset. */
export function tracedVia(
  node: string,
  snapshot: RulesetSnapshot,
  hits: readonly TraceHit[],
  view: ClusterView,
): ChainRuleRef | undefined {
  const way = hits.map(({ table, chain, text }) => {
    const rules = snapshot.tables.find((one) => one.name === table)?.chains.find((one) => one.name === chain)?.rules;
    return { table, chain, rule: rules?.find((rule) => rule.text.trim() === text?.trim()) };
  });
  const last = way.at(-1);
  return last && restsOnAnother(snapshot, last) ? viaRef(node, snapshot, way, view) : undefined;
}

/** Ways of like packets are the same: walked once per ruleset. */
const walked = new WeakMap<RulesetSnapshot, Map<string, Visited | undefined>>();

function likeness({ node, packet }: PacketWitness, snapshot: RulesetSnapshot, end: Visited): string {
  const { tuple, tcpFlags, inInterface, outInterface, physicalIn, physicalOut } = packet;
  const sourcePort = asksSourcePort(snapshot) ? tuple.sourcePort : undefined;
  const place = [end.table, end.chain, end.rule?.position];
  const ports = [inInterface, outInterface, physicalIn, physicalOut];
  return JSON.stringify([node, { ...tuple, sourcePort }, tcpFlags, ports, place]);
}

/** The rule that sent a logged packet to its end: the one that all its ways have in common. */
export function loggedVia(
  witness: PacketWitness,
  snapshot: RulesetSnapshot,
  logs: readonly LogRule[],
  end: Visited,
  surroundings: Surroundings,
  view: ClusterView,
): ChainRuleRef | undefined {
  const { node, packet } = witness;
  if (packet.kind !== 'packet' || !restsOnAnother(snapshot, end)) return undefined;
  const known = walked.get(snapshot) ?? new Map<string, Visited | undefined>();
  walked.set(snapshot, known);
  const key = likeness(witness, snapshot, end);
  if (!known.has(key)) {
    const ipsets = surroundings.ipsets(node, packet.observedAt);
    const ways = endingsOfLogged(snapshot, ipsets, packet, logs, surroundings.localAddresses(node)).filter(
      (outcome) => outcome.chain === end.chain && outcome.position === end.rule?.position,
    );
    const steps = ways.map(({ path }) => viaOf<Visited>(snapshot, path));
    known.set(key, steps.every((step) => step?.rule === steps[0]?.rule) ? steps[0] : undefined);
  }
  const step = known.get(key);
  return step?.rule && refOf(node, snapshot, { ...step, rule: step.rule }, view);
}
