/** A JSON object whose members nobody has looked at yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object (no array, no null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Objects of the API nest a dozen deep; what nests deeper than this overflows somebody's stack later. */
export const NESTING_LIMIT = 512;

const QUOTE = 34;
const BACKSLASH = 92;

/** Place behind the quote that closes the string opened at `from`. */
function stringEnd(text: string, from: number): number {
  let i = from + 1;
  while (i < text.length) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) break;
    i += c === BACKSLASH ? 2 : 1;
  }
  return i + 1;
}

/** Whether brackets outside strings nest deeper than the limit. */
function nestsTooDeep(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) i = stringEnd(text, i) - 1;
    else if (c === 91 || c === 123) {
      if (++depth > NESTING_LIMIT) return true;
    } else if (c === 93 || c === 125) depth--;
  }
  return false;
}

/** Whether the text ends as it begins: what was cut is known without parsing, and a parser's exception is dear. */
function isWhole(text: string): boolean {
  const open = text.charCodeAt(0);
  if (open !== 91 && open !== 123) return true;
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) <= 32) end--;
  return text.charCodeAt(end - 1) === open + 2;
}

/** Parses JSON; undefined when it is none, or nests beyond the limit. */
export function parseJson(text: string): unknown {
  if (!isWhole(text) || nestsTooDeep(text)) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch {
    return undefined;
  }
}

/** A member that is text; undefined otherwise. */
export function textOf(object: JsonObject, key: string): string | undefined {
  const value = object[key];
  return typeof value === 'string' ? value : undefined;
}

/** A member that is a number or the decimal text of one (proto3 JSON writes 64-bit numbers as strings). */
export function numberOf(object: JsonObject, key: string): number | undefined {
  const value = object[key];
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' && /^-?\d{1,15}(\.\d{1,9})?$/.test(value) ? Number(value) : undefined;
}

/** A member that is an object; an empty one otherwise. */
export function objectOf(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isObject(value) ? value : {};
}

/** A member that is a list; an empty one otherwise. */
export function listOf(object: JsonObject, key: string): readonly unknown[] {
  const value = object[key];
  return Array.isArray(value) ? value : [];
}
