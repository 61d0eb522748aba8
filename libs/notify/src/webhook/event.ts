import type { AlertMessage } from '@whydrop/alerting';
import { fingerprint, labelsOf } from '../labels.js';
import type { Outgoing } from '../receiver.js';
import { cut, isoOf, linkOf } from '../text.js';

/** Standard Webhooks: a body stays below 20 kB. */
const MOST_BYTES = 20_000;

function dataOf(message: AlertMessage, publicUrl: string | undefined) {
  const labels = labelsOf(message);
  const { topSources, topDestinations, trend, startsAt, endsAt } = message;
  return {
    alertId: message.alertId,
    sequence: message.sequence,
    status: message.status,
    rule: { name: message.ruleName, kind: message.ruleKind },
    severity: message.severity,
    cluster: message.cluster,
    labels,
    fingerprint: fingerprint(labels),
    startsAt: isoOf(startsAt),
    endsAt: endsAt === null ? null : isoOf(endsAt),
    summary: cut(message.summary, 1_024),
    sentence: message.sentence === null ? null : cut(message.sentence, 3_000),
    cause: message.cause,
    policies: message.policies.slice(0, 50),
    value: message.value,
    expected: message.expected,
    topSources: topSources.slice(0, 10).map(({ end, drops }) => ({ ...end, drops })),
    topDestinations: topDestinations.slice(0, 10).map(({ end, drops }) => ({ ...end, drops })),
    trend: trend.slice(-120).map(({ from, value }) => ({ from: isoOf(from), value })),
    changes: message.changes.slice(0, 10).map((change) => cut(change, 300)),
    url: linkOf(message, publicUrl) ?? null,
  };
}

type Data = ReturnType<typeof dataOf>;

// What is left out first when a body is too long.
const SHORTER: readonly ((data: Data) => Data)[] = [
  (data) => ({ ...data, trend: data.trend.slice(-24) }),
  (data) => ({ ...data, topSources: data.topSources.slice(0, 3), topDestinations: data.topDestinations.slice(0, 3) }),
  (data) => ({ ...data, trend: [], changes: [] }),
  (data) => ({ ...data, policies: data.policies.slice(0, 5).map((policy) => cut(policy, 300)) }),
  (data) => ({ ...data, topSources: [], topDestinations: [] }),
];

/** Our own body: `{type: "alert.firing", timestamp, data}`. */
export function eventBody({ message, surroundings }: Outgoing): string {
  const write = (data: Data) => JSON.stringify({ type: `alert.${message.status}`, timestamp: isoOf(message.at), data });
  let data = dataOf(message, surroundings.publicUrl);
  for (const shorten of SHORTER) {
    if (Buffer.byteLength(write(data)) <= MOST_BYTES) break;
    data = shorten(data);
  }
  return write(data);
}
