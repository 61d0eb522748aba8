import type { Cause, EvidenceItem, ServiceBackend } from '@whydrop/model';
import type { Case } from './case.js';

/** The backend that a service's address was translated to, when it was no fit one at that time. */
export interface UnfitBackend {
  readonly cause: Cause;
  readonly item: EvidenceItem;
}

function said(subject: Case, cause: Cause, shows: string): UnfitBackend {
  const observedAt = subject.attempt.firstSeenAt;
  return { cause, item: { channel: 'policy', node: undefined, observedAt, shows, raw: undefined } };
}

function isTerminating({ view }: Case, { namespace, pod }: ServiceBackend): boolean {
  return pod !== undefined && view.pod(namespace, pod)?.deletedAt !== undefined;
}

/**
 * Whether conntrack still sent a connection to an address that is no ready endpoint of its service: an old UDP entry that
 * outlived it, or a pod that was not ready or on its way out.
 */
export function unfitBackend(subject: Case): UnfitBackend | undefined {
  const { original, tuple, view } = subject;
  const service = original?.service;
  if (!service) return undefined;
  const own = view.state.backends.filter(
    (backend) => backend.namespace === service.namespace && backend.service === service.name,
  );
  // Without any endpoint known, nothing is known of this one.
  if (own.length === 0) return undefined;
  const name = `service ${service.namespace}/${service.name}`;
  const backend = own.find(({ ip }) => ip === tuple.destination);
  if (!backend) {
    const shows = `${tuple.destination} was no endpoint of ${name} then`;
    return said(subject, tuple.protocol === 'UDP' ? 'CT_STALE_NAT' : 'ENDPOINT_NOT_READY', shows);
  }
  if (isTerminating(subject, backend)) return said(subject, 'ENDPOINT_NOT_READY', `pod ${backend.pod} was terminating`);
  if (!backend.ready)
    return said(subject, 'ENDPOINT_NOT_READY', `${tuple.destination} was no ready endpoint of ${name}`);
  return undefined;
}
