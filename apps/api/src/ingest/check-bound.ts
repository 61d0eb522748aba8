import type { Envelope } from '@whydrop/contracts';
import type { Principal } from '@whydrop/storage';
import { ApiError } from '../http/api-error.js';

/** Throws the 403 for a collector that ships for another node than its own. */
export function checkBound({ cluster, node }: Principal, envelope: Pick<Envelope, 'cluster' | 'node'>): void {
  const wrong =
    cluster !== undefined && cluster !== envelope.cluster
      ? 'cluster'
      : node !== undefined && node !== envelope.node
        ? 'node'
        : undefined;
  if (wrong === undefined) return;
  const message = `the token ships for node ${node} of cluster ${cluster}; the envelope names another ${wrong}`;
  throw new ApiError(403, 'FORBIDDEN', message, { field: wrong });
}
