import type { Reject } from '@whydrop/model';
import type { Decoder, StreamContext } from '../decoder.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { metricOf } from '../metric.js';
import type { RawSample } from '../metric.js';

/** One line: the counters of one CPU. */
export interface CpuLine {
  readonly samples: readonly RawSample[];
}

function sampleOf(line: Line, cpu: string, name: string, value: number): RawSample {
  const isGauge = name === 'entries';
  return {
    name: `conntrack_${name}`,
    type: isGauge ? 'gauge' : 'counter',
    labels: isGauge ? {} : { cpu },
    value,
    at: undefined,
    raw: `cpu=${cpu} ${name}=${value}`,
    line: line.number,
  };
}

/** `cpu=0   found=0 invalid=0 …`; the first lines of old versions say `entries  12` alone. */
function toolLine(line: Line): CpuLine | Reject {
  const words = line.text.trim().split(/\s+/);
  const cpu = /^cpu=(\d{1,5})$/.exec(words[0] ?? '')?.[1];
  if (cpu === undefined) return reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected "cpu=N".');
  const samples: RawSample[] = [];
  for (const word of words.slice(1)) {
    const match = /^([a-z_]{1,40})=(\d{1,15})$/.exec(word);
    if (!match)
      return reject('BAD_VALUE', line.number, line.text, `Expected name=number, found "${word.slice(0, 40)}".`);
    samples.push(sampleOf(line, cpu, match[1] ?? '', Number(match[2])));
  }
  return { samples };
}

/** A row of the table under /proc: hexadecimal columns, one row per CPU; `entries` is the same in each. */
function procLine(line: Line, columns: readonly string[], cpu: number): CpuLine | Reject {
  const words = line.text.trim().split(/\s+/);
  if (words.length !== columns.length || words.some((word) => !/^[0-9a-f]{1,13}$/i.test(word))) {
    return reject('BAD_VALUE', line.number, line.text, `Expected ${columns.length} hexadecimal columns.`);
  }
  const names = cpu === 0 ? columns : columns.map((name) => (name === 'entries' ? '' : name));
  return {
    samples: names.flatMap((name, i) =>
      name === '' ? [] : sampleOf(line, String(cpu), name, Number.parseInt(words[i] ?? '0', 16)),
    ),
  };
}

function decode(payload: string, context: StreamContext): Iterable<CpuLine | Reject> {
  let columns: readonly string[] | undefined;
  let cpu = 0;
  return decodeLines(payload, context, (line) => {
    if (/^entries\s+[a-z]/.test(line.text)) {
      columns = line.text.trim().split(/\s+/).slice(0, 40);
      cpu = 0;
      return undefined;
    }
    return columns ? procLine(line, columns, cpu++) : toolLine(line);
  });
}

export const conntrackStats: Decoder<CpuLine> = {
  format: 'conntrack-stats',
  doc: '`conntrack -S` and `/proc/net/stat/nf_conntrack`: table trouble, never rule drops (conntrack-tools `conntrack.c`)',
  decode,
  normalise: (cpu, context) => cpu.samples.map((sample) => metricOf(sample, context)),
};
