import { z } from 'zod';
import { storableText, storableTime } from './storable.js';

/** Format id of the batch in which an emitter says what it shipped without a gap. Our own format, one JSON object. */
export const COVERAGE_FORMAT = 'coverage';

/**
 * "Nothing was logged" counts as evidence only where a node's channel was captured without a gap.
 * Channels: `conntrack`, `iptables`, `nflog`, `kernel-log`, `trace`.
 */
export const coverageSchema = z.object({
  from: storableTime,
  to: storableTime,
  nodes: z.record(storableText(253), z.array(storableText(64))),
});
export type Coverage = z.output<typeof coverageSchema>;
