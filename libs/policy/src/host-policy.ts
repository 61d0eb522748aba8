import type { PolicyDirection } from '@whydrop/model';
import { policyRef, type CompiledPolicy } from './compiled-policy.js';
import type { Connection } from './end.js';
import type { CompiledRule } from './rule.js';
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

function inLastTier(kind: string, name: string, rules: readonly CompiledRule[]): CompiledPolicy {
  const object = { apiVersion: 'projectcalico.org/v3', kind, metadata: { name } };
  const direction = { applies: true, rules };
  return {
    object,
    ref: policyRef(object, kind, false, PROFILES),
    family: 'ordered',
    tier: PROFILES,
    order: Infinity,
    sortName: name,
    candidates: { namespace: undefined, label: undefined },
    selects: () => true,
    ingress: direction,
    egress: direction,
    problems: [],
    staged: undefined,
    host: undefined,
  };
}

const ALLOW_ALL: CompiledRule = { index: 0, name: undefined, path: 'ingress[0]', action: 'allow', groups: [] };

/** The profile that automatic host endpoints carry: it allows everything, and is there without being declared. */
export const DEFAULT_ALLOW_PROFILE = inLastTier('Profile', 'projectcalico-default-allow', [ALLOW_ALL]);

/** A host endpoint drops what no policy and no profile admits: it acts like a policy without rules behind them. */
export function hostEndpointEnd(host: HostEndpoint): CompiledPolicy {
  return inLastTier('HostEndpoint', host.name, []);
}
