import type { Reject } from '@whydrop/model';
import type { Decoder } from '../decoder.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { metricOf } from '../metric.js';
import type { RawSample } from '../metric.js';

const SETTING = /^([A-Za-z0-9_][A-Za-z0-9_./@:-]{0,255}) ?= ?(.{0,4096})$/;

/** Settings that are no number (lists, names) decide no outcome and are passed over, as is what stderr says. */
function readLine(line: Line): RawSample | Reject | undefined {
  if (/^(#|sysctl: )/.test(line.text)) return undefined;
  const setting = SETTING.exec(line.text);
  if (!setting) return reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected "name = value".');
  const [, name = '', value = ''] = setting;
  if (!/^-?\d{1,20}$/.test(value.trim())) return undefined;
  const raw = line.text;
  return {
    name: 'sysctl',
    type: 'gauge',
    labels: { name },
    value: Number(value),
    at: undefined,
    raw,
    line: line.number,
  };
}

export const sysctl: Decoder<RawSample> = {
  format: 'sysctl',
  doc: '`sysctl -a`: numeric settings such as rp_filter, conntrack_max, bridge-nf-call, as gauges named `sysctl` (procps `sysctl.c`)',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise: metricOf,
};
