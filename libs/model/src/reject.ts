/** Closed list of reasons for which input is kept but not understood. */
export const REJECT_REASONS = {
  TRUNCATED: 'the record ends in the middle',
  UNKNOWN_SYNTAX: 'the record does not have the shape of its format',
  BAD_VALUE: 'a field holds a value its type does not allow',
  MISSING_FIELD: 'a field that the format always has is absent',
  UNSUPPORTED: 'the record is well formed but of a kind that is not read',
  NO_TIME: 'the record has no time and none can be derived',
  NOT_YAML: 'the document is not YAML or JSON',
  NOT_KUBERNETES: 'the document is not a Kubernetes object',
  TOO_LONG: 'the record is longer than the limit',
  TOO_OLD: 'the time of the record lies before what is kept of its cluster',
  NO_BASE: 'the picture that the record is told by has not come, or is removed',
  FAILED: 'working on the batch failed again and again',
} as const;

export type RejectReason = keyof typeof REJECT_REASONS;

/** A record that was not understood: kept with its place, its reason and its text; never stops the rest. */
export interface Reject {
  readonly kind: 'reject';
  readonly line: number;
  readonly reason: RejectReason;
  /** One sentence for a person: what was expected, what was found. */
  readonly detail: string;
  /** The record as received, cut at 4 KiB. */
  readonly raw: string;
}
