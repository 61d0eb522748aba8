import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * weave-npc listens on NFLOG group 86 itself and tells what it saw in its own log and its metric. The lab does the
 * same with the packets that the kernel logged.
 */

interface LoggedPacket {
  readonly value: (key: string) => string;
}

function readGprint(line: string): LoggedPacket {
  const fields = new Map(line.split(',').map((field) => [field.split('=', 1)[0], field.slice(field.indexOf('=') + 1)]));
  return { value: (key) => fields.get(key) ?? '' };
}

/** `2026/11/21 09:15:27.123456`, in UTC as the image has it. */
function stamp({ value }: LoggedPacket): string {
  const time = new Date(Number(value('oob.time.sec')) * 1000).toISOString();
  const micros = value('oob.time.usec').padStart(6, '0');
  return `${time.slice(0, 10).replaceAll('-', '/')} ${time.slice(11, 19)}.${micros}`;
}

interface Blocked {
  readonly protocol: 'tcp' | 'udp';
  readonly port: string;
  readonly line: string;
}

/** A TCP packet only when it opens a connection, UDP always, anything else never. */
function blockedOf(packet: LoggedPacket): readonly Blocked[] {
  const { value } = packet;
  const protocol = ({ '6': 'tcp', '17': 'udp' } as const)[value('ip.protocol')];
  if (!protocol || (protocol === 'tcp' && (value('tcp.syn') !== '1' || value('tcp.ack') === '1'))) return [];
  const from = `${value('ip.saddr.str')}:${value(`${protocol}.sport`)}`;
  const port = value(`${protocol}.dport`);
  const what = `${protocol.toUpperCase()} connection from ${from} to ${value('ip.daddr.str')}:${port}`;
  return [{ protocol, port, line: `WARN: ${stamp(packet)} ${what} blocked by Weave NPC.\n` }];
}

function metrics(blocked: readonly Blocked[]): string {
  const counts = new Map<string, number>();
  for (const { protocol, port } of blocked) {
    const series = `weavenpc_blocked_connections_total{dport="${port}",protocol="${protocol}"}`;
    counts.set(series, (counts.get(series) ?? 0) + 1);
  }
  return [
    '# HELP weavenpc_blocked_connections_total Connection attempts blocked by policy controller.',
    '# TYPE weavenpc_blocked_connections_total counter',
    ...[...counts.keys()].sort().map((series) => `${series} ${counts.get(series) ?? 0}`),
    '',
  ].join('\n');
}

/** Turns the raw logs of a node into weave-npc.log and two scrapes of its metric, one at `from` and one now. */
export function digestNflog(folder: string, from: number): void {
  const logs = readdirSync(folder).filter((name) => /^nflog\.\d+\.log$/.test(name));
  const lines = logs.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean));
  const blocked = lines.flatMap((line) => blockedOf(readGprint(line)));
  for (const name of logs) rmSync(join(folder, name));
  writeFileSync(join(folder, 'weave-npc.log'), blocked.map((each) => each.line).join(''));
  writeFileSync(join(folder, `metrics.${from.toFixed(3)}.prom`), metrics([]));
  writeFileSync(join(folder, `metrics.${(Date.now() / 1000).toFixed(3)}.prom`), metrics(blocked));
}
