import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Piece, Sink, Source } from '../batch/source.js';

/** Streams that a bundle calls otherwise. */
const NAMES: Readonly<Record<string, string>> = { 'journal.json': 'kernel.json', 'kernel.file.log': 'kernel.log' };

/** `iptables.save` at a time is `iptables.1795214426.500.save`. */
function snapshotName({ stream, format }: Source, at: number): string {
  const seconds = (at / 1000).toFixed(3);
  if (format === 'conntrack-dump') return `conntrack.${seconds}.txt`;
  if (format === 'prometheus-text') return `metrics.${seconds}.prom`;
  const dot = stream.lastIndexOf('.');
  return `${stream.slice(0, dot)}.${seconds}${stream.slice(dot)}`;
}

const KMSG = /^\d{1,4},\d{1,20},(\d{1,15}),[^;]{0,40};/gm;

/** Times of /dev/kmsg count from the boot, which a bundle does not know: they become times since 1970. */
function withEpochs(bytes: Buffer, bootTime: number): Buffer {
  const text = bytes.toString('latin1');
  return Buffer.from(
    text.replaceAll(KMSG, (_, micros: string) => `${(bootTime + Number(micros) / 1e6).toFixed(6)} `),
    'latin1',
  );
}

/** Writes what is read into a node's folder of a bundle. */
export class FolderSink implements Sink {
  readonly full = false;
  /** Bytes written. */
  bytes = 0;

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
  }

  room(): Promise<void> {
    return Promise.resolve();
  }

  lines({ stream, attributes }: Source, { bytes }: Piece): void {
    const bootTime = attributes?.['bootTime'];
    const written = bootTime === undefined ? bytes : withEpochs(bytes, Number(bootTime));
    appendFileSync(path.join(this.folder, NAMES[stream] ?? stream), written);
    this.bytes += written.length;
  }

  snapshot(source: Source, payload: Buffer, at: number): void {
    writeFileSync(path.join(this.folder, snapshotName(source, at)), payload);
    this.bytes += payload.length;
  }
}
