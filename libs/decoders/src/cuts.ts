import type { FormatId } from './format.js';
import { TraceGrouper } from './xtables-trace/group.js';

/** Whether a payload may be cut in front of the line at this index. */
export type MayCut = (at: number) => boolean;

/**
 * Line indexes that lie inside some packet's way through the hooks. Every hook prints the headers anew, and packets of
 * several processors stand between each other: a line that begins with PACKET is not yet the beginning of a packet.
 */
function insideTraces(lines: readonly string[]): readonly boolean[] {
  const grouper = new TraceGrouper();
  const inside = Array.from({ length: lines.length }, () => false);
  const found = [
    ...lines.flatMap((line, number) =>
      line.trim() === '' ? [] : [...grouper.take({ text: line.trimEnd(), number, terminated: true })],
    ),
    ...grouper.close(),
  ];
  for (const item of found) if ('steps' in item) inside.fill(true, item.line + 1, item.lastLine + 1);
  return inside;
}

/**
 * Where a stream of this format, given as its lines, may be cut so that its parts say together what the whole says: anywhere
 * between two lines, but in a trace only where no packet is on its way.
 */
export function cutsOf(format: FormatId, lines: readonly string[]): MayCut {
  if (format !== 'xtables-trace') return (at) => at < lines.length;
  const inside = insideTraces(lines);
  return (at) => inside[at] === false;
}
