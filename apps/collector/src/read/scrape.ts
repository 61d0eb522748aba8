import http from 'node:http';
import https from 'node:https';
import type { ReaderParts } from '../readers.js';
import { classOf } from './classes.js';
import type { Reader } from './reader.js';
import { SnapshotReader } from './snapshot.js';

const FORMAT = 'prometheus-text';
const TIMEOUT_MS = 10_000;
const MOST_BYTES = 32 * 1024 * 1024;

function get(url: string, timeoutMs: number): Promise<Buffer> {
  const { request } = url.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    // A server that drips is no better than a silent one: the time is that of the whole answer.
    const late = setTimeout(() => fail(new Error(`${url}: no whole answer within ${timeoutMs / 1000} s`)), timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(late);
      reject(error);
      sent.destroy();
    };
    const sent = request(url, { headers: { accept: 'text/plain' } }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MOST_BYTES) fail(new Error(`${url}: more than ${MOST_BYTES} bytes`));
        chunks.push(chunk);
      });
      response.once('error', fail).once('end', () => {
        clearTimeout(late);
        if (response.statusCode === 200) resolve(Buffer.concat(chunks));
        else reject(new Error(`${url}: ${response.statusCode}`));
      });
    });
    sent.once('error', fail).end();
  });
}

/** One stream for each address: the host names it, where several have the same host the path too. */
export function scrapeNames(urls: readonly string[]): ReadonlyMap<string, string> {
  const hosts = urls.map((url) => new URL(url).host);
  return new Map(
    urls.map((url) => {
      const { protocol, host, pathname, search } = new URL(url);
      const alone = hosts.filter((each) => each === host).length === 1;
      return [url, alone ? `metrics ${host}` : `metrics ${protocol}//${host}${pathname}${search}`];
    }),
  );
}

/** Metrics of a plugin on this node, as they are. */
export function scrapeReaders({ options, sink, watch }: ReaderParts, timeoutMs = TIMEOUT_MS): readonly Reader[] {
  const source = { format: FORMAT, class: classOf(FORMAT) };
  return [...scrapeNames([...new Set(options.scrapes)])].map(([url, name]) => {
    const take = () => get(url, timeoutMs);
    return new SnapshotReader({ name, source, sink, watch, intervalMs: options.intervalMs, take });
  });
}
