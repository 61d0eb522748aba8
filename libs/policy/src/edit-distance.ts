const LONGEST = 64;
const row = new Uint8Array(LONGEST + 1);

function distance(a: string, b: string): number {
  for (let j = 0; j <= b.length; j++) row[j] = j;
  for (let i = 0; i < a.length; i++) {
    let diagonal = row[0] ?? 0;
    row[0] = i + 1;
    for (let j = 0; j < b.length; j++) {
      const above = row[j + 1] ?? 0;
      const substitute = diagonal + (a.charCodeAt(i) === b.charCodeAt(j) ? 0 : 1);
      row[j + 1] = Math.min(substitute, above + 1, (row[j] ?? 0) + 1);
      diagonal = above;
    }
  }
  return row[b.length] ?? 0;
}

/** Levenshtein distance of two texts; what both begin or end with costs nothing, the rest counts up to 64 characters. */
export function editDistance(left: string, right: string): number {
  let start = 0;
  const shortest = Math.min(left.length, right.length);
  while (start < shortest && left.charCodeAt(start) === right.charCodeAt(start)) start++;
  let end = 0;
  while (
    end < shortest - start &&
    left.charCodeAt(left.length - 1 - end) === right.charCodeAt(right.length - 1 - end)
  ) {
    end++;
  }
  const a = left.slice(start, left.length - end).slice(0, LONGEST);
  const b = right.slice(start, right.length - end).slice(0, LONGEST);
  return distance(a, b);
}
