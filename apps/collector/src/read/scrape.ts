import http from 'node:http';
import https from 'node:https';
import type { ReaderParts } from '../readers.js';
import { classOf } from './classes.js';
import type { Reader } from './reader.js';
import { SnapshotReader } from './snapshot.js';

const FORMAT = 'prometheus-text';
const TIMEOUT_MS = 10_000;
const MOST_BYTES = 32 * 1024 * 1024;

function get(url: string): Promise<Buffer> {
  const { request } = url.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers: { accept: 'text/plain' } }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MOST_BYTES) sent.destroy(new Error(`more than ${MOST_BYTES} bytes`));
        chunks.push(chunk);
      });
      response.once('error', reject).once('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks));
        else reject(new Error(`${url}: ${response.statusCode}`));
      });
    });
    sent.setTimeout(TIMEOUT_MS, () => sent.destroy(new Error(`${url}: no answer within ${TIMEOUT_MS / 1000} s`)));
    sent.once('error', reject).end();
  });
}

/** Metrics of a plugin on this node, as they are. */
export function scrapeReaders({ options, sink, watch }: ReaderParts): readonly Reader[] {
  return options.scrapes.map((url) => {
    const source = { format: FORMAT, class: classOf(FORMAT) };
    const name = `metrics ${new URL(url).host}`;
    return new SnapshotReader({ name, source, sink, watch, intervalMs: options.intervalMs, take: () => get(url) });
  });
}
