import type { PolicyDirection } from '@whydrop/model';
import { policyRef, type CompiledPolicy } from './compiled-policy.js';
import type { Connection } from './end.js';
import type { HostEndpoint } from './world.js';

/** Ports that Calico leaves open at host endpoints whatever the policies say (Felix defaults). */
const FAILSAFE: Readonly<Record<PolicyDirection, Readonly<Record<string, readonly number[]>>>> = {
  ingress: { TCP: [22, 179, 2379, 2380, 5473, 6443, 6666, 6667], UDP: [68] },
  egress: { TCP: [179, 2379, 2380, 5473, 6443, 6666, 6667], UDP: [53, 67] },
};

/** Whether the port is one that host endpoints always let through. */
export function isFailsafe({ protocol, port }: Connection, direction: PolicyDirection): boolean {
  return port !== undefined && (FAILSAFE[direction][protocol] ?? []).includes(port);
}

/** Name of the last tier: profiles, behind every tier of policies. */
export const PROFILES = 'profiles';

const DEFAULT_ALLOW = 'projectcalico-default-allow';

/** A host endpoint drops what no policy and no profile admits: it acts like a policy without rules behind them. */
export function hostEndpointEnd(host: HostEndpoint): CompiledPolicy {
  const object = { apiVersion: 'projectcalico.org/v3', kind: 'HostEndpoint', metadata: { name: host.name } };
  const allows = host.profiles.includes(DEFAULT_ALLOW);
  const rule = { index: 0, name: undefined, path: 'profiles', action: 'allow' as const, groups: [] };
  const direction = { applies: true, rules: allows ? [rule] : [] };
  return {
    object,
    ref: policyRef(object, 'HostEndpoint', false, PROFILES),
    family: 'ordered',
    tier: PROFILES,
    order: Infinity,
    sortName: host.name,
    candidates: { namespace: undefined, label: undefined },
    selects: () => true,
    ingress: direction,
    egress: direction,
    problems: [],
    staged: undefined,
    host: undefined,
  };
}
