import { createReadStream } from 'node:fs';
import { cutsOf, type FormatId } from '@whydrop/decoders';

const PIECE_BYTES = 1024 * 1024;

/** A part of a file, in whole lines. */
export interface Piece {
  readonly payload: Buffer;
  readonly firstLine: number;
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}

/** What has to be known of a trace behind a cut: lines of one packet, and those of others between them, lie closer together. */
const AHEAD_BYTES = 128 * 1024;
/** A file in which no place to cut is found is cut all the same, at some line. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Where a log may be cut between two lines that both are complete. */
function betweenLines(bytes: Buffer): number {
  const last = bytes.lastIndexOf(10);
  return last <= 0 ? 0 : bytes.lastIndexOf(10, last - 1) + 1;
}

/** The last place at which no traced packet is on its way. */
function betweenPackets(bytes: Buffer): number {
  const lines = bytes.toString('latin1').split(/(?<=\n)/);
  const mayCut = cutsOf('xtables-trace', lines);
  let found = 0;
  let length = 0;
  for (const [at, line] of lines.entries()) {
    if (length > bytes.length - AHEAD_BYTES) break;
    if (mayCut(at)) found = length;
    length += line.length;
  }
  return found;
}

/** Bytes of the next piece of a file of which so much is known; 0: none yet. */
function pieceOf(bytes: Buffer, format: FormatId): number {
  if (bytes.length < PIECE_BYTES) return 0;
  const found = format === 'xtables-trace' ? betweenPackets(bytes) : betweenLines(bytes);
  return found === 0 && bytes.length >= MOST_BYTES ? betweenLines(bytes) : found;
}

/** Cuts a log between records into pieces of about a mebibyte; always in the same places. */
export async function* piecesOf(file: string, format: FormatId): AsyncGenerator<Piece> {
  let rest = Buffer.alloc(0);
  let firstLine = 1;
  for await (const read of createReadStream(file, { highWaterMark: PIECE_BYTES })) {
    rest = Buffer.concat([rest, read as Buffer]);
    const end = pieceOf(rest, format);
    if (end === 0) continue;
    const payload = rest.subarray(0, end);
    yield { payload, firstLine };
    firstLine += countLines(payload);
    rest = rest.subarray(end);
  }
  if (rest.length > 0) yield { payload: rest, firstLine };
}
