import type { Reject, SysctlSnapshot } from '@whydrop/model';
import type { Decoder, StreamContext } from '../decoder.js';
import { LINE_LIMIT, linesOf, reject } from '../lines.js';

/** One run of `sysctl -a`. */
export interface SysctlListing {
  readonly values: ReadonlyMap<string, string>;
  readonly raw: string;
  readonly line: number;
}

const SETTING = /^([A-Za-z0-9_][A-Za-z0-9_./@:-]{0,255}) ?= ?(.*)$/;

function* decode(payload: string, context: StreamContext): Generator<SysctlListing | Reject> {
  const values = new Map<string, string>();
  for (const line of linesOf(payload, context.firstLine)) {
    const setting = line.text.length > LINE_LIMIT ? null : SETTING.exec(line.text);
    if (setting) values.set(setting[1] ?? '', setting[2] ?? '');
    else if (line.text.trim() !== '' && !/^(#|sysctl: )/.test(line.text)) {
      yield reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected "name = value".');
    }
  }
  yield { values, raw: payload.slice(0, 200), line: context.firstLine };
}

function normalise(listing: SysctlListing, context: StreamContext): SysctlSnapshot | Reject {
  if (context.observedFrom === undefined)
    return reject('NO_TIME', listing.line, listing.raw, 'The snapshot has no time.');
  return { kind: 'sysctl', observedAt: context.observedFrom, values: Object.fromEntries(listing.values) };
}

export const sysctl: Decoder<SysctlListing> = {
  format: 'sysctl',
  doc: '`sysctl -a`: the settings that decide outcomes, rp_filter, conntrack_max, bridge-nf-call (procps `sysctl.c`)',
  decode,
  normalise,
};
