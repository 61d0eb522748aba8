import { CAUSES, type ExplainedEnd, formatInstant, type Instant } from '@whydrop/model';
import type { CountedFacts } from './counted.js';
import { listed, policySentence } from './sentence.js';

/** Windows of one group, added up. */
export interface CountedSum {
  readonly from: Instant;
  readonly to: Instant;
  readonly packets: bigint;
  readonly attributed: bigint;
  readonly isLowerBound: boolean;
}

function packetsOf(count: bigint): string {
  return `${count} packet${count === 1n ? '' : 's'}`;
}

function way({ source, destination, destinationPort, protocol }: CountedFacts): string {
  const port = destinationPort === undefined ? '' : `:${destinationPort}`;
  if (destination !== undefined) return ` from ${source} to ${destination}${port}/${protocol}`;
  return destinationPort === undefined ? '' : ` to port ${destinationPort}/${protocol ?? 'any protocol'}`;
}

function place({ direction, endpoint, node }: CountedFacts): string {
  const where = [direction === null ? '' : ` on ${direction}`, endpoint === undefined ? '' : ` at ${endpoint}`].join(
    '',
  );
  return node === '' ? where : `${where} (node ${node})`;
}

function endOf(label: string): ExplainedEnd {
  return { ip: '', pod: undefined, workload: undefined, node: undefined, role: 'pod', label };
}

function reason(facts: CountedFacts): string {
  const { cause, source, destination, destinationPort, protocol } = facts;
  if (cause !== 'POLICY_DEFAULT_DENY' && cause !== 'POLICY_EXPLICIT_DENY') return ` ${cause}: ${CAUSES[cause]}.`;
  if (facts.policies.length > 0 && facts.misses.length === 0 && facts.channel === 'counter') {
    const names = facts.policies.map(({ namespace, name }) => (namespace === null ? name : `${namespace}/${name}`));
    if (names.length === 1) return ` Policy ${names[0]} isolates ${facts.endpoint ?? 'their pod'}.`;
    // A rule that all pods of a node share does not say whose packets it ended.
    return facts.endpoint === undefined
      ? ` Policies of this node: ${listed(names)}; which of them cannot be told.`
      : ` Policies ${listed(names)} isolate ${facts.endpoint}.`;
  }
  return policySentence(
    { ...facts, contributing: [] },
    {
      source: endOf(source ?? ''),
      destination: endOf(destination ?? ''),
      destinationPort,
      protocol: protocol ?? 'TCP',
      counted: undefined,
    },
  );
}

/** A time of day as people say it, to the second. */
function clock(instant: Instant): string {
  return formatInstant(instant).slice(11, 19);
}

/** "590 packets were dropped at db-0 (node n1) between …; source and destination were not seen. …" */
export function countedSentence(facts: CountedFacts, sum: CountedSum): string {
  const rest = sum.packets - sum.attributed;
  const least = sum.isLowerBound ? 'At least ' : '';
  const head = `${least}${packetsOf(rest)}${way(facts)} ${rest === 1n ? 'was' : 'were'} ${facts.verdict}${place(facts)}`;
  const unseen = facts.channel === 'flow-log' ? 'addresses' : 'source and destination';
  const times = ` between ${clock(sum.from)} and ${clock(sum.to)}; ${unseen} were not seen.`;
  const them = sum.packets === 1n ? 'it' : 'them';
  const counted =
    sum.attributed === 0n
      ? `${them}.`
      : `${packetsOf(sum.packets)}, ${sum.attributed} of ${them} ${sum.attributed === 1n ? 'is' : 'are'} told with addresses.`;
  const [, ...unknown] = facts.missing;
  const missing = unknown.map((fact) => ` Not known: ${fact}.`).join('');
  return `${head}${times}${reason(facts)} ${facts.counter} counted ${counted}${missing}`;
}
