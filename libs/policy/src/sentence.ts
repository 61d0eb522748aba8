import type { DirectionVerdict, PolicyDirection, PolicyHit, PolicyRef, RuleMiss } from '@whydrop/model';
import { portText } from './criteria.js';
import type { Connection, End } from './end.js';

/** `dev/policy1`, `AdminNetworkPolicy fence`: how a policy is called in a sentence. */
export function policyName(policy: PolicyRef): string {
  const name = policy.namespace === null ? policy.name : `${policy.namespace}/${policy.name}`;
  if (policy.kind === 'NetworkPolicy') return `policy ${name}`;
  if (policy.kind === 'CalicoNetworkPolicy') return `Calico policy ${name}`;
  if (policy.kind === 'Namespace') return `namespace ${name} (by its DefaultDeny annotation)`;
  return `${policy.kind} ${name}`;
}

function joined(names: readonly string[]): string {
  if (names.length <= 1) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function listed(policies: readonly PolicyRef[]): string {
  const shown = policies.slice(0, 4).map(policyName);
  const more = policies.length - shown.length;
  return joined(more > 0 ? [...shown, `${more} more`] : shown);
}

/** How an end is called beside the other one: with its namespace where the two differ. */
export function endName(end: End, other: End): string {
  if (!end.pod || end.pod.namespace === other.pod?.namespace) return end.label;
  return other.pod === undefined ? end.label : `${end.pod.namespace}/${end.label}`;
}

/** `client2-dev -> webserver-dev:80/TCP` */
function connectionName(connection: Connection): string {
  const { source, destination } = connection;
  const port = portText(connection);
  const target = endName(destination, source);
  const shown =
    connection.port === undefined ? `${target} (${port})` : `${target.includes(':') ? `[${target}]` : target}:${port}`;
  return `${endName(source, destination)} -> ${shown}`;
}

function failedText(miss: RuleMiss, direction: PolicyDirection): string {
  const who = direction === 'ingress' ? 'the client' : 'the destination';
  // What is no pod fails the selectors of pods and of namespaces alike; it is said once.
  const [first, second, ...more] = miss.failed.filter(
    ({ got }, i) => miss.failed.findIndex((other) => other.got === got) === i || !/^address |network$/.test(got),
  );
  if (!first) return 'matches';
  const one = (failed: typeof first): string => {
    const about = failed.field === 'podSelector' || failed.field === 'namespaceSelector';
    const isLabels = about && !/^(address|node) |network$/.test(failed.got);
    return isLabels ? `wants ${failed.wanted}, ${who} has ${failed.got}` : `wants ${failed.wanted}, got ${failed.got}`;
  };
  const tail = more.length > 0 ? ` (and ${more.length} more)` : '';
  return second ? `${one(first)}, and ${one(second)}${tail}` : one(first);
}

function nearest(direction: PolicyDirection, isolatedBy: readonly PolicyRef[], miss: RuleMiss | undefined): string {
  const one = isolatedBy.length === 1;
  if (!miss) return one ? `it has no ${direction} rule` : `none of them has an ${direction} rule`;
  const owner = one ? 'its closest rule' : `the closest rule is that of ${policyName(miss.policy)}`;
  return `${owner}, ${miss.path}, ${failedText(miss, direction)}`;
}

function hitText(hit: PolicyHit): string {
  const named = hit.ruleName ? ` "${hit.ruleName}"` : '';
  return `${hit.path}${named} of ${policyName(hit.policy)}`;
}

/** One sentence on one direction. */
export function directionReason(
  connection: Connection,
  direction: PolicyDirection,
  verdict: Omit<DirectionVerdict, 'reason' | 'misses'>,
  miss: RuleMiss | undefined,
): string {
  const subject = direction === 'egress' ? connection.source : connection.destination;
  const at = `${direction} at ${subject.label}`;
  const [hit, ...hits] = verdict.decidedBy;
  const isolators = listed(verdict.isolatedBy);
  const plural = verdict.isolatedBy.length > 1;
  switch (verdict.verdict) {
    case 'unknown':
      return `${at} cannot be decided without knowing ${joined(verdict.missing)}`;
    case 'denied':
      if (hit) return `${at}: denied by ${hitText(hit)}`;
      return `${at}: ${isolators} isolate${plural ? '' : 's'} it; ${nearest(direction, verdict.isolatedBy, miss)}`;
    case 'allowed':
      if (hit) return `${at}: admitted by ${joined([hit, ...hits].slice(0, 3).map(hitText))}`;
      if (verdict.assumptions.length > 0) return `${at}: ${verdict.assumptions[0]}`;
      return plural || isolators !== '' ? `${at}: passed by ${isolators}` : `${at}: no policy isolates it`;
  }
}

/** One sentence on the whole connection, to be read aloud. */
export function connectionReason(
  connection: Connection,
  direction: PolicyDirection | null,
  verdict: 'allowed' | 'denied' | 'unknown',
  egress: DirectionVerdict,
  ingress: DirectionVerdict,
): string {
  const name = connectionName(connection);
  if (verdict === 'denied') {
    const side = direction === 'egress' ? egress : ingress;
    const both = egress.verdict === 'denied' && ingress.verdict === 'denied' ? '; ingress denies it as well' : '';
    return `${name} is denied on ${side.reason}${both}`;
  }
  if (verdict === 'unknown') {
    const open = [egress, ingress].filter((side) => side.verdict === 'unknown').map((side) => side.reason);
    return `${name} is undecided: ${open.join('; ')}`;
  }
  const said = [egress, ingress].filter(
    (side) => side.decidedBy.length > 0 || side.isolatedBy.length > 0 || side.assumptions.length > 0,
  );
  if (said.length === 0) return `${name} is allowed: no policy isolates either end`;
  const [one, other] = said;
  // What holds for both ends (a pod and its own node) is told once.
  const twice = one && other && one.decidedBy.length === 0 && one.assumptions[0] === other.assumptions[0];
  const told = twice ? one.assumptions : said.map((side) => side.reason);
  return `${name} is allowed: ${told.join('; ')}`;
}
