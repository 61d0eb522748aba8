import { z } from 'zod';

/** Format id of the batch in which an emitter says what it shipped without a gap. Our own format, one JSON object. */
export const COVERAGE_FORMAT = 'coverage';

/**
 * "Nothing was logged" counts as evidence only where a node's channel was captured without a gap.
 * Channels: `conntrack`, `iptables`, `nflog`, `kernel-log`, `trace`.
 */
export const coverageSchema = z.object({
  from: z.iso.datetime({ offset: true }),
  to: z.iso.datetime({ offset: true }),
  nodes: z.record(z.string(), z.array(z.string())),
});
export type Coverage = z.output<typeof coverageSchema>;
