import { crc32c } from './crc32c.js';

/**
 * One record of a segment:
 *
 *   0  'WDR1'
 *   4  u32  length of what follows the sum
 *   8  u32  CRC-32C of the length and of what follows the sum
 *  12  u32  length of the head
 *  16  head  one JSON object
 *      body  as it goes over the wire (gzip); empty for a checkpoint
 */
export interface Frame<Head> {
  readonly head: Head;
  readonly body: Buffer;
}

/** Where a frame lies in its segment. */
export interface Placed<Head> extends Frame<Head> {
  readonly offset: number;
  readonly length: number;
}

/** Bytes of a segment that are no whole frame. */
export interface Damage {
  readonly offset: number;
  readonly length: number;
}

const MAGIC = Buffer.from('WDR1');
const FIXED = 16;
/** No frame is longer: a length beyond it is damage (64 MiB). */
const LONGEST = 64 * 1024 * 1024;

/** The bytes of a frame. */
export function writeFrame(head: object, body: Buffer): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const frame = Buffer.allocUnsafe(FIXED + text.length + body.length);
  MAGIC.copy(frame, 0);
  frame.writeUInt32LE(4 + text.length + body.length, 4);
  frame.writeUInt32LE(text.length, 12);
  text.copy(frame, FIXED);
  body.copy(frame, FIXED + text.length);
  frame.writeUInt32LE(sumOf(frame), 8);
  return frame;
}

function sumOf(frame: Buffer): number {
  const length = frame.readUInt32LE(4);
  // One pass over the tail, the length mixed in: a changed length never fits by chance.
  return (crc32c(frame.subarray(12)) ^ crc32c(frame.subarray(4, 8)) ^ length) >>> 0;
}

/** The frame at an offset; undefined when there is no whole one. */
export function readFrame(bytes: Buffer, offset: number): Placed<unknown> | undefined {
  if (offset + FIXED > bytes.length || !MAGIC.equals(bytes.subarray(offset, offset + 4))) return undefined;
  const length = bytes.readUInt32LE(offset + 4);
  const end = offset + 12 + length;
  if (length < 4 || length > LONGEST || end > bytes.length) return undefined;
  const frame = bytes.subarray(offset, end);
  const headLength = frame.readUInt32LE(12);
  if (headLength > length - 4 || frame.readUInt32LE(8) !== sumOf(frame)) return undefined;
  const head: unknown = JSON.parse(frame.toString('utf8', FIXED, FIXED + headLength));
  return { head, body: frame.subarray(FIXED + headLength), offset, length: frame.length };
}

/** All whole frames of a segment, and what lies between them: behind damage the next whole frame is looked for. */
export function readFrames(bytes: Buffer): { readonly frames: Placed<unknown>[]; readonly damages: Damage[] } {
  const frames: Placed<unknown>[] = [];
  const damages: Damage[] = [];
  let at = 0;
  while (at < bytes.length) {
    const frame = readFrame(bytes, at);
    if (frame) {
      frames.push(frame);
      at += frame.length;
      continue;
    }
    const next = nextFrame(bytes, at + 1);
    damages.push({ offset: at, length: next - at });
    at = next;
  }
  return { frames, damages };
}

function nextFrame(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(MAGIC, from); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
    if (readFrame(bytes, at)) return at;
  }
  return bytes.length;
}
