import type { Instant } from '@whydrop/model';

/** From the first to the last instant, both included. */
export type Span = readonly [Instant, Instant];

/** More spans than this cost more than the time between two of them. */
const MOST = 8;

function joined(sorted: readonly Span[], near: number): readonly Span[] {
  const found: Span[] = [];
  for (const [from, to] of sorted) {
    const last = found.at(-1);
    if (last && from - last[1] <= near) found[found.length - 1] = [last[0], Math.max(last[1], to)];
    else found.push([from, to]);
  }
  return found;
}

/**
 * The same times as a few spans in order, of which no two lie within `near` µs: one record of a wrong clock does not drag
 * everything between it and now along. Of too many the nearest are joined.
 */
export function unionOf(spans: readonly (Span | undefined | null)[], near: number): readonly Span[] {
  const known = spans.filter((span): span is Span => span !== undefined && span !== null);
  const found = joined(
    known.toSorted((a, b) => a[0] - b[0]),
    near,
  );
  if (found.length <= MOST) return found;
  const gaps = found.slice(1).map(([from], at) => from - (found[at]?.[1] ?? from));
  return joined(found, gaps.toSorted((a, b) => a - b)[found.length - MOST - 1] ?? near);
}

/** The part of a span that lies within two instants; undefined when none does. */
export function clipped([from, to]: Span, [low, high]: Span): Span | undefined {
  const inside: Span = [Math.max(from, low), Math.min(to, high)];
  return inside[0] <= inside[1] ? inside : undefined;
}
