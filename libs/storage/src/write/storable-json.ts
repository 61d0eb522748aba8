// An escape is one when an even number of backslashes stands before it. JSON.stringify escapes halves of surrogate pairs only
// where the other half is missing.
const REFUSED = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** JSON, as JSON.stringify gives it, in a form that jsonb takes: NUL and halves of surrogate pairs become U+FFFD. */
export function storableJson(json: string): string {
  return json.includes('\\u') ? json.replace(REFUSED, '$1\\ufffd') : json;
}
