import { decodeConntrack, normaliseConntrack } from '../conntrack-events/decoder.js';
import type { ConntrackLine } from '../conntrack-events/decoder.js';
import type { Decoder } from '../decoder.js';

export const conntrackDump: Decoder<ConntrackLine> = {
  format: 'conntrack-dump',
  doc: '`conntrack -L` and `/proc/net/nf_conntrack` (libnetfilter_conntrack `snprintf_default.c`, Linux `nf_conntrack_standalone.c`)',
  decode: (payload, context) => decodeConntrack(payload, context, false),
  normalise: normaliseConntrack,
};
