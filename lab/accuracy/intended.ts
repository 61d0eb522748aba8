import { type Direction, type FelixPolicy, type FelixPolicyRule } from '../src/dialects/calico-policy.js';
import {
  appliesTo,
  endpointLabels,
  felixPolicies,
  namedPortMembers,
  namedPortsOf,
} from '../src/dialects/calico-policy.js';
import { matchesSelector } from '../src/dialects/calico-selector.js';
import type { LabPod, Scenario } from '../src/scenario.js';

/**
 * What the policies of a scenario say of one connection, read as they stand: the lab's own word on who denies and why,
 * which shares no line with `libs/policy`.
 */

/** A connection as the deciding rule sees it. */
export interface Question {
  readonly source: string;
  readonly destination: string;
  readonly protocol: 'TCP' | 'UDP' | 'ICMP';
  readonly port: number | undefined;
}

/** Why one end's policies deny; undefined: they do not. Policies as `namespace/name`, global ones as `/name`. */
export interface Denial {
  readonly direction: Direction;
  readonly cause: 'POLICY_EXPLICIT_DENY' | 'POLICY_DEFAULT_DENY';
  /** The denying policy; for a default deny all that isolate the pod in the deciding tier. */
  readonly policies: readonly string[];
}

function bits(ip: string): number {
  return ip.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function inNet(ip: string, net: string): boolean {
  const [base = '', length = '32'] = net.split('/');
  const size = 2 ** (32 - Number(length));
  return Math.floor(bits(ip) / size) === Math.floor(bits(base) / size);
}

function inPort(port: number, text: string): boolean {
  const [low, high = low] = text.split(':').map(Number);
  return low !== undefined && high !== undefined && low <= port && port <= high;
}

function portFits(rule: FelixPolicyRule, direction: Direction, asked: Question, scenario: Scenario): boolean {
  const { port, protocol, destination } = asked;
  if (rule.ports.length === 0 && rule.namedPorts.length === 0) return true;
  if (port === undefined) return false;
  if (rule.ports.some((text) => inPort(port, text))) return true;
  const member = `${destination},${protocol.toLowerCase()}:${port}`;
  return namedPortsOf(rule, direction).some((named) => namedPortMembers(named, scenario).includes(member));
}

function fits(rule: FelixPolicyRule, direction: Direction, asked: Question, scenario: Scenario): boolean {
  if (rule.protocol !== undefined && rule.protocol !== asked.protocol.toLowerCase()) return false;
  const far = direction === 'ingress' ? asked.source : asked.destination;
  const pod = scenario.pods.find(({ ip }) => ip === far);
  const { peer } = rule;
  if (peer && !(pod && matchesSelector(peer, endpointLabels(pod, scenario)))) return false;
  if (rule.nets.length > 0 && !rule.nets.some((net) => inNet(far, net))) return false;
  if (rule.notNets.some((net) => inNet(far, net))) return false;
  return portFits(rule, direction, asked, scenario);
}

const nameOf = ({ policy }: FelixPolicy): string => `${policy.namespace ?? ''}/${policy.name}`;

/** The first rule of a tier that acts, and whose it is. */
function firstRule(policies: readonly FelixPolicy[], direction: Direction, asked: Question, scenario: Scenario) {
  for (const policy of policies) {
    const rule = policy.rules[direction].find(
      (each) => each.action !== 'Log' && fits(each, direction, asked, scenario),
    );
    if (rule) return { policy, action: rule.action };
  }
  return undefined;
}

/** How the policies of one pod judge it in one direction. */
export function denialAt(
  pod: LabPod | undefined,
  direction: Direction,
  asked: Question,
  scenario: Scenario,
): Denial | undefined {
  if (!pod) return undefined;
  const own = felixPolicies(scenario).filter((policy) => appliesTo(policy, pod, direction, scenario));
  for (const tier of new Set(own.map((policy) => policy.tier))) {
    const policies = own.filter((policy) => policy.tier === tier);
    const hit = firstRule(policies, direction, asked, scenario);
    if (hit?.action === 'Allow') return undefined;
    if (hit?.action === 'Deny') return { direction, cause: 'POLICY_EXPLICIT_DENY', policies: [nameOf(hit.policy)] };
    const passes = scenario.tiers?.find(({ name }) => name === tier)?.defaultAction === 'Pass';
    if (hit?.action === 'Pass' || passes) continue;
    return { direction, cause: 'POLICY_DEFAULT_DENY', policies: policies.map(nameOf).toSorted() };
  }
  return undefined;
}
