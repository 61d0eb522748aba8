import type { Severity } from './alert-message.js';

/** One minute in µs: the width of an evaluated bucket. */
export const MINUTE = 60_000_000;

/** What a series is counted by. Values of one dimension are one label of the alert. */
export const DIMENSIONS = [
  'policies',
  'cause',
  'sourceNamespace',
  'sourceWorkload',
  'destinationNamespace',
  'destinationWorkload',
  'port',
  'node',
  'direction',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export const MEASURES = ['drops', 'attempts', 'packets', 'counted'] as const;
export type Measure = (typeof MEASURES)[number];

/** Which drops a rule looks at. An absent field lets everything through; a list needs one of its values. */
export interface AlertFilter {
  readonly clusters?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly workloads?: readonly string[];
  readonly policies?: readonly string[];
  readonly causes?: readonly string[];
  readonly ports?: readonly number[];
  readonly nodes?: readonly string[];
}

/** Noise that a rule leaves out unless told otherwise. */
export interface Suppression {
  readonly icmp: boolean;
  /** Packets of connections that were already closed. */
  readonly lateAfterClose: boolean;
  /** What the explanation puts down to a rollout: a node not yet programmed, an agent that restarted, a pod that ends. */
  readonly rollout: boolean;
  /** For so long (µs) after a policy changed its drops start no alert; 0: they do, and the alert names the change. */
  readonly policyChange: number;
}

/** Every alert that fires for the rule `rule` with the same values of `equal` keeps this rule's alerts from being told. */
export interface Inhibition {
  readonly rule: string;
  readonly equal: readonly string[];
}

interface Common {
  readonly name: string;
  readonly enabled: boolean;
  readonly severity: Severity;
  readonly summary: string | null;
  /** Names of receivers; empty: all that are enabled. */
  readonly receivers: readonly string[];
  readonly filter: AlertFilter;
  readonly groupBy: readonly Dimension[];
  readonly suppress: Suppression;
  readonly inhibitedBy: readonly Inhibition[];
  /** The condition has to hold for so long before the alert fires. µs. */
  readonly for: number;
  /** It has to be gone for so long before the alert is resolved. µs. */
  readonly keepFiringFor: number;
  /** After it was resolved nothing is told of the same series for so long. µs. */
  readonly coolDown: number;
}

export interface ThresholdRule extends Common {
  readonly kind: 'THRESHOLD';
  readonly measure: Measure;
  /** Fires when more than so many are counted in `window`; below half of it the condition is gone. */
  readonly threshold: number;
  /** µs, whole minutes. */
  readonly window: number;
}

export interface SpikeRule extends Common {
  readonly kind: 'SPIKE';
  readonly measure: Measure;
  /** A minute is odd when its count, or a larger one, is less likely than this. */
  readonly p: number;
  readonly minEvents: number;
  readonly minRatio: number;
  /** Odd minutes out of the last `of` that make a spike. One minute as unlikely as `odd` together does as well. */
  readonly odd: number;
  readonly of: number;
  /** Lowest baseline, per minute: what nobody wants to hear of even where there was nothing before. */
  readonly floor: number;
  /** Events a minute needs while nothing is known of the cluster's habits. */
  readonly coldEvents: number;
  /** Also hold the last hour against the same hour of the days before, for what grows too slowly for minutes. */
  readonly slow: boolean;
  /** After firing for so long the new level counts as normal, and the alert says so. µs; 0: never. */
  readonly levelShiftAfter: number;
}

export interface NewPairRule extends Common {
  readonly kind: 'NEW_PAIR';
  /** Pairs never seen before in one minute. */
  readonly minPairs: number;
  /** Nothing is told of a cluster in its first hours, when everything is new. µs. */
  readonly learnFor: number;
}

export interface SilenceRule extends Common {
  readonly kind: 'SILENCE';
  readonly measure: Measure;
  /** Nothing at all for so long, where the baseline makes that less likely than `p`. µs. */
  readonly window: number;
  readonly p: number;
}

export interface DriftRule extends Common {
  readonly kind: 'DRIFT';
  /** Kinds of findings; empty: all. */
  readonly findings: readonly string[];
}

export interface CollectorGapRule extends Common {
  readonly kind: 'COLLECTOR_GAP';
  /** A node that shipped data within the last day and then nothing for so long. µs. */
  readonly silentFor: number;
}

export type AlertRule = ThresholdRule | SpikeRule | NewPairRule | SilenceRule | DriftRule | CollectorGapRule;
export type AlertRuleKind = AlertRule['kind'];
export const ALERT_RULE_KINDS = [
  'THRESHOLD',
  'SPIKE',
  'NEW_PAIR',
  'SILENCE',
  'DRIFT',
  'COLLECTOR_GAP',
] as const satisfies readonly AlertRuleKind[];
