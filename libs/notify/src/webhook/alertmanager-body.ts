import { annotationsOf, fingerprint, labelsOf } from '../labels.js';
import type { Outgoing } from '../receiver.js';
import { isoOf, linkOf } from '../text.js';

const NEVER = '0001-01-01T00:00:00Z';

/** The body of Alertmanager's webhook, version "4": what is written to read it reads ours. One alert in it, a group of its own. */
export function alertmanagerBody({ message, receiver, surroundings }: Outgoing): string {
  const labels = labelsOf(message);
  const annotations = annotationsOf(message);
  const status = message.status === 'resolved' ? 'resolved' : 'firing';
  const alert = {
    status,
    labels,
    annotations,
    startsAt: isoOf(message.startsAt),
    endsAt: status === 'firing' || message.endsAt === null ? NEVER : isoOf(message.endsAt),
    generatorURL: linkOf(message, surroundings.publicUrl) ?? '',
    fingerprint: fingerprint(labels),
  };
  const group = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const body = {
    receiver,
    status,
    alerts: [alert],
    groupLabels: labels,
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: surroundings.publicUrl ?? '',
    version: '4',
    groupKey: `{}:{${group.join(', ')}}`,
    truncatedAlerts: 0,
  };
  return `${JSON.stringify(body)}\n`;
}
