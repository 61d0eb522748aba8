import type { Reject } from '@whydrop/model';
import type { Decoder, StreamContext } from '../decoder.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { metricOf } from '../metric.js';
import type { RawSample } from '../metric.js';

/** The numbers of one row. */
export interface StatRow {
  readonly samples: readonly RawSample[];
}

/** Columns of softnet_stat that have a meaning; the others are always 0. */
const SOFTNET: Readonly<Record<number, string>> = {
  0: 'processed',
  1: 'dropped',
  2: 'times_squeezed',
  9: 'received_rps',
  10: 'flow_limit',
};
/** Values that are states, not counts. */
const GAUGES: ReadonlySet<string> = new Set([
  'Forwarding',
  'DefaultTTL',
  'RtoAlgorithm',
  'RtoMin',
  'RtoMax',
  'MaxConn',
  'CurrEstab',
]);

function sampleOf(line: Line, name: string, value: number, labels: Record<string, string>, isGauge = false): RawSample {
  return {
    name,
    type: isGauge ? 'gauge' : 'counter',
    labels,
    value,
    at: undefined,
    raw: `${name} ${value}`,
    line: line.number,
  };
}

/** `Tcp: 1 200 …` below `Tcp: RtoAlgorithm RtoMin …`. */
function tableRow(line: Line, names: readonly string[], group: string): StatRow | Reject {
  const values = line.text
    .slice(group.length + 1)
    .trim()
    .split(/\s+/);
  if (values.length !== names.length || values.some((value) => !/^-?\d{1,20}$/.test(value))) {
    return reject(
      'TRUNCATED',
      line.number,
      line.text,
      `Expected ${names.length} numbers, as the line above names them.`,
    );
  }
  return {
    samples: names.map((name, i) =>
      sampleOf(line, `netstat_${group}_${name}`, Number(values[i]), {}, GAUGES.has(name)),
    ),
  };
}

function softnetRow(line: Line, cpu: number): StatRow {
  const words = line.text.trim().split(/\s+/);
  return {
    samples: Object.entries(SOFTNET).flatMap(([column, name]) => {
      const word = words[Number(column)];
      return word === undefined
        ? []
        : [sampleOf(line, `softnet_${name}`, Number.parseInt(word, 16), { cpu: String(cpu) })];
    }),
  };
}

function decode(payload: string, context: StreamContext): Iterable<StatRow | Reject> {
  let header: { readonly group: string; readonly names: readonly string[] } | undefined;
  let cpu = 0;
  return decodeLines(payload, context, (line) => {
    const group = /^([A-Z][A-Za-z0-9]{1,30}): /.exec(line.text)?.[1];
    if (group !== undefined && header?.group === group) {
      const { names } = header;
      header = undefined;
      return tableRow(line, names, group);
    }
    if (group !== undefined) {
      header = {
        group,
        names: line.text
          .slice(group.length + 1)
          .trim()
          .split(/\s+/),
      };
      return undefined;
    }
    const flat = /^((?:Ip|Icmp|Udp|UdpLite)6[A-Za-z0-9]{1,60})\s+(\d{1,20})\s*$/.exec(line.text);
    if (flat) return { samples: [sampleOf(line, `netstat_${flat[1]}`, Number(flat[2]), {})] };
    if (/^(?:[0-9a-f]{8} ){2,20}[0-9a-f]{8}\s*$/.test(line.text)) return softnetRow(line, cpu++);
    return reject(
      'UNKNOWN_SYNTAX',
      line.number,
      line.text,
      'Expected a line of /proc/net/snmp, snmp6, netstat or softnet_stat.',
    );
  });
}

export const procNetStats: Decoder<StatRow> = {
  format: 'proc-net-stats',
  doc: '`/proc/net/snmp`, `snmp6`, `netstat` and `softnet_stat`, also one after the other (Linux `net/ipv4/proc.c`, `net/core/net-procfs.c`)',
  decode,
  normalise: (row, context) => row.samples.map((sample) => metricOf(sample, context)),
};
