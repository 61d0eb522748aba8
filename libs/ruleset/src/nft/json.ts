/** A value of `nft -j`: objects with one key name what they are. */
export type Json = unknown;
export type JsonObject = Readonly<Record<string, Json>>;

/** The value when it is an object; undefined otherwise. */
export function object(value: Json): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** The value when it is a list; an empty one otherwise. */
export function list(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** The value when it is a string; undefined otherwise. */
export function text(value: Json): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The value when it is a number; undefined otherwise. */
export function number(value: Json): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** The value under a key, when the object has it. */
export function under(value: Json, key: string): Json {
  return object(value)?.[key];
}

/** A string, or a number as a string; '' for everything else. */
export function word(value: Json): string {
  return typeof value === 'number' ? String(value) : (text(value) ?? '');
}
