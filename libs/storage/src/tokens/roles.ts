/**
 * `collector` may ship batches of one node, `ingest` those of any; `viewer` may read; `operator` may change alert rules,
 * silences and receivers too; `admin` may do everything.
 */
export const ROLES = ['collector', 'ingest', 'viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

const MAY_ACT_AS: Readonly<Record<Role, readonly Role[]>> = {
  collector: ['ingest'],
  ingest: ['ingest'],
  viewer: ['viewer'],
  operator: ['viewer', 'operator'],
  admin: ROLES,
};

/** Whether somebody of this role may do what needs that one. */
export function mayActAs(role: Role, needed: Role): boolean {
  return MAY_ACT_AS[role].includes(needed);
}

/** Which part of everything a token is for. Absent: no limit of this kind. */
export interface TokenLimits {
  readonly cluster?: string | undefined;
  /** Of a collector: the only node it may ship for. */
  readonly node?: string | undefined;
  /** Of a reader: the only namespaces it sees. Never empty. */
  readonly namespaces?: readonly string[] | undefined;
}

/** What is wrong with these limits for this role, in words; undefined when nothing is. */
export function limitsFault(role: Role, { cluster, node, namespaces }: TokenLimits): string | undefined {
  const reads = role === 'viewer' || role === 'operator';
  if (role === 'collector' && (!cluster || !node)) return 'a collector is bound to a node: name its cluster and node';
  if (role !== 'collector' && node !== undefined) return 'only a collector is bound to a node';
  if (!reads && namespaces !== undefined) return 'only a viewer or an operator is limited to namespaces';
  if (namespaces !== undefined && namespaces.length === 0) return 'a list of namespaces names at least one';
  if (namespaces?.some((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)))
    return 'a namespace is lower-case letters, digits and hyphens';
  if (reads && cluster !== undefined && namespaces === undefined)
    return 'a cluster goes with namespaces, or a collector';
  if (!reads && role !== 'collector' && cluster !== undefined) return `${role} is not limited to a cluster`;
  return undefined;
}
