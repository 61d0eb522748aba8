import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeStream } from '@whydrop/decoders';
import { type Piece, piecesOf } from './pieces.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'whydrop-pieces-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function pieces(text: string, format: 'xtables-trace' | 'conntrack-events'): Promise<readonly Piece[]> {
  const file = path.join(folder, 'file.log');
  await writeFile(file, text);
  const found: Piece[] = [];
  for await (const piece of piecesOf(file, format)) found.push(piece);
  return found;
}

function traced(text: string, firstLine = 1): readonly string[] {
  const context = { observedFrom: undefined, observedTo: undefined, firstLine, attributes: {} };
  return [...decodeStream('xtables-trace', text, context)].map((item) => JSON.stringify(item));
}

/** Packets in pairs, their lines between each other. */
function pairs(count: number): string {
  const lines: string[] = [];
  for (let at = 0; at < count; at++) {
    const both = ['aa', 'bb'];
    for (const hook of ['raw:PREROUTING', 'nat:PREROUTING', 'filter:FORWARD']) {
      for (const id of both) {
        lines.push(
          `1795215600.000001 PACKET: 2 ${id} IN=e SRC=10.0.0.1 DST=10.0.0.2 ID=${at} SPORT=${at} DPORT=2 SYN `,
        );
      }
      for (const id of both) lines.push(`1795215600.000002  TRACE: 2 ${id} ${hook}:policy:ACCEPT `);
    }
  }
  return `${lines.join('\n')}\n`;
}

it('cuts a long trace between packets: its pieces say what the whole says', async () => {
  const text = pairs(2500);
  const found = await pieces(text, 'xtables-trace');
  expect(found.length).toBeGreaterThan(1);
  expect(found.map(({ payload }) => payload.toString()).join('')).toBe(text);
  const said = found.flatMap(({ payload, firstLine }) => traced(payload.toString(), firstLine));
  expect(said.toSorted()).toEqual([...traced(text)].toSorted());
});

it('cuts another log behind a line that is whole', async () => {
  const text = 'a line of some length that is the same\n'.repeat(60_000);
  const found = await pieces(text, 'conntrack-events');
  expect(found.length).toBe(3);
  expect(found.map(({ payload }) => payload.toString()).join('')).toBe(text);
  expect(found.every(({ payload }) => payload.at(-1) === 10)).toBe(true);
  expect(found.map(({ firstLine }) => firstLine)).toEqual(
    found.map(
      (_, at) =>
        1 + found.slice(0, at).reduce((sum, { payload }) => sum + payload.toString().split('\n').length - 1, 0),
    ),
  );
});
