import type {
  Cause,
  ChainRuleRef,
  EnforcementPoint,
  EvidenceItem,
  Finding,
  PolicyDirection,
  PolicyPart,
  RuleMiss,
  Verdict,
  Basis,
} from '@whydrop/model';

/** An explanation in the making: each rung of the decision order adds what it knows. */
export interface Draft {
  readonly verdict: Verdict;
  readonly cause: Cause;
  readonly direction: PolicyDirection | null;
  readonly basis: Basis;
  readonly enforcementPoint?: EnforcementPoint | undefined;
  readonly chainRule?: ChainRuleRef | undefined;
  readonly via?: ChainRuleRef | undefined;
  readonly policies?: readonly PolicyPart[];
  readonly misses?: readonly RuleMiss[];
  readonly contributing?: readonly Cause[];
  readonly evidence?: readonly EvidenceItem[];
  readonly assumptions?: readonly string[];
  readonly missing?: readonly string[];
  readonly findings?: readonly Finding[];
  /** Packets of this attempt that were dropped, as far as something counted them. */
  readonly packets?: number;
  /** What the deciding counter showed, for the sentence. */
  readonly counted?: bigint;
}

/** What was asked of an attempt that nothing stopped: it is no drop. */
export const ALLOWED = 'allowed';
/** Too early to tell: the answer may still be on its way. */
export const PENDING = 'pending';

export type Decision = Draft | typeof ALLOWED | typeof PENDING;
