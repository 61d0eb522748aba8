import type { PolicyDirection } from '@whydrop/model';

/** `DPI2|np/prod/lock-db` taken apart, names unread. */
export interface NflogPrefix {
  readonly verdict: 'allow' | 'deny' | 'pass';
  readonly owner: 'policy' | 'profile';
  readonly direction: PolicyDirection;
  /** Rule index in Calico's list; undefined: nothing matched (end of tier, end of profiles). */
  readonly index: number | undefined;
  readonly id: string;
}

const VERDICTS = { A: 'allow', D: 'deny', P: 'pass' } as const;
const PREFIX = /^([ADP])([PR])([IE])(\d*)(?:\|(.*))?$/;

/**
 * Takes a prefix of Calico's NFLOG rules (v3.30 and later) apart. Undefined: it is none.
 * Source: projectcalico/calico `felix/rules/nflogprefix.go`.
 */
export function parseNflogPrefix(prefix: string): NflogPrefix | undefined {
  const match = PREFIX.exec(prefix);
  if (!match) return undefined;
  const [, verdict, owner, direction, index = '', id] = match;
  if (id === undefined && (verdict !== 'D' || owner !== 'R' || index !== '')) return undefined;
  return {
    verdict: VERDICTS[verdict as keyof typeof VERDICTS],
    owner: owner === 'P' ? 'policy' : 'profile',
    direction: direction === 'I' ? 'ingress' : 'egress',
    index: index === '' ? undefined : Number(index),
    id: id ?? '',
  };
}
