import type { ScopedVars } from '@grafana/data';
import type { TemplateSrv } from '@grafana/runtime';

/** Put around and between the values of a variable; private characters, which no name has. */
const OPEN = '\uE000';
const BETWEEN = '\uE001';
const CLOSE = '\uE002';
const CHOICE = /\uE000([^\uE000\uE002]*)\uE002/;

function marked(value: unknown): string {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return OPEN + values.map(String).join(BETWEEN) + CLOSE;
}

/** `a-{1,2}` as `a-1` and `a-2`: every choice of every variable in the text. */
function choicesOf(text: string): string[] {
  const found = CHOICE.exec(text);
  if (!found) return [text];
  const choices = (found[1] ?? '').split(BETWEEN);
  const after = text.slice(found.index + found[0].length);
  return choices.flatMap((choice) => choicesOf(text.slice(0, found.index) + choice + after));
}

/**
 * The values of a list of texts with dashboard variables: one text with a variable of several values is several values.
 * Undefined when anything will do: nothing is asked for, or one value is `*`.
 */
export function interpolate(
  texts: readonly string[] | undefined,
  templates: Pick<TemplateSrv, 'replace'>,
  scoped?: ScopedVars,
): string[] | undefined {
  const values = (texts ?? [])
    .flatMap((text) => choicesOf(templates.replace(text, scoped, marked)))
    .map((value) => value.trim())
    .filter((value) => value !== '');
  if (values.length === 0 || values.includes('*')) return undefined;
  return [...new Set(values)];
}
