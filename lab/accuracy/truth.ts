import type { Truth } from '../src/capture.js';
import type { LabPod, LabPolicy, Scenario } from '../src/scenario.js';
import { type Denial, denialAt, type Question } from './intended.js';
import type { Drawn } from './topology.js';

/**
 * What became of each attempt, and why: the first from the client and the kernel's trace, the second from the policies
 * that the lab had programmed. Nothing here asks the product.
 */
export interface KnownAttempt {
  readonly truth: Truth;
  /** Seconds since 1970. */
  readonly at: number;
  readonly stopped: boolean;
  /** The cause that an answer has to have; undefined: nothing failed, or the lab does not know why. */
  readonly cause: string | undefined;
  readonly denial: Denial | undefined;
  /** Where the kernel and the lab's reading of the policies differ: then nothing can be measured by it. */
  readonly doubt: string | undefined;
}

const podAt = (scenario: Scenario, ip: string): LabPod | undefined => scenario.pods.find((pod) => pod.ip === ip);

/** The direction for which the rule that ended the packet stands, where its own text says so. */
function directionOf({ chain, rule }: Truth, question: Question, scenario: Scenario): 'ingress' | 'egress' | undefined {
  const text = `${chain} ${rule}`;
  if (/\bcali-(tw|pi|gi)-|DROP-ON-INGRESS|\bIN-\d+-| ingress /.test(text)) return 'ingress';
  if (/\bcali-(fw|po|go)-|DROP-ON-EGRESS|\bOUT-\d+-|WEAVE-NPC-EGRESS| egress /.test(text)) return 'egress';
  if (text.includes('-o weave -j DROP')) return 'ingress';
  const source = podAt(scenario, question.source);
  const destination = podAt(scenario, question.destination);
  // kube-router has one chain for both directions of a pod.
  if (source && text.includes(`POD name:${source.name} `)) return 'egress';
  return destination && text.includes(`POD name:${destination.name} `) ? 'ingress' : undefined;
}

function questionOf(truth: Truth): Question | undefined {
  if (!truth.seen) return undefined;
  const { source, destination, destinationPort } = truth.seen;
  const protocol = truth.protocol as Question['protocol'];
  return { source, destination, protocol, port: destinationPort ?? undefined };
}

/** A rule that is no policy's says so itself. */
function ownCause(rule: string): string | undefined {
  if (rule.includes('has no endpoints')) return 'NO_ENDPOINTS';
  return rule.includes('--ctstate INVALID') ? 'CT_INVALID' : undefined;
}

type Reason = Pick<KnownAttempt, 'cause' | 'denial' | 'doubt'>;

function whyStopped(truth: Truth, question: Question, scenario: Scenario): Reason {
  const own = ownCause(truth.rule ?? '');
  if (own !== undefined) return { cause: own, denial: undefined, doubt: undefined };
  const both = [
    denialAt(podAt(scenario, question.source), 'egress', question, scenario),
    denialAt(podAt(scenario, question.destination), 'ingress', question, scenario),
  ].filter((denial) => denial !== undefined);
  const direction = directionOf(truth, question, scenario);
  const denial = direction === undefined ? both[0] : both.find((each) => each.direction === direction);
  if (!denial) {
    const ends = `${truth.from} -> ${truth.to}:${truth.port ?? ''}/${truth.protocol}`;
    return { cause: undefined, denial, doubt: `${ends}: the kernel stopped it at ${truth.rule}, the policies do not` };
  }
  // On a host that an operator fenced by hand there are no policy objects: the rule itself is the answer.
  if (scenario.dialect === 'plain') return { cause: 'OTHER_FIREWALL', denial: undefined, doubt: undefined };
  return { cause: denial.cause, denial, doubt: undefined };
}

/** Nothing stopped it, and the client got no answer. */
function whyFailed(truth: Truth): Reason {
  const none = { denial: undefined, doubt: undefined };
  if (truth.outcome !== 'failed') return { ...none, cause: undefined };
  if (truth.to.endsWith('/empty')) return { ...none, cause: 'NO_ENDPOINTS' };
  const refused = truth.client === 'refused' || truth.client === 'reset';
  return { ...none, cause: refused && truth.protocol === 'TCP' ? 'PORT_CLOSED' : undefined };
}

function knownAttempt(truth: Truth, scenario: Scenario, policies: readonly LabPolicy[]): KnownAttempt {
  const question = questionOf(truth);
  const reason = question ? whyStopped(truth, question, { ...scenario, policies }) : whyFailed(truth);
  return { truth, at: Date.parse(truth.at) / 1000, stopped: question !== undefined, ...reason };
}

/** The attempts of a capture, in the order in which they were drawn. */
export function knownAttempts(drawn: Drawn, truths: readonly Truth[]): readonly KnownAttempt[] {
  return truths.map((truth, index) => knownAttempt(truth, drawn.scenario, drawn.policiesOf[index] ?? []));
}
