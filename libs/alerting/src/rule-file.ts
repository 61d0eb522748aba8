import { isMap, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { AlertRule } from './rule.js';
import { parseRule } from './rule-schema.js';

export type RuleFile =
  | { readonly kind: 'rules'; readonly rules: readonly AlertRule[] }
  /** `file:line: reason`, one for each mistake. */
  | { readonly kind: 'errors'; readonly errors: readonly string[] };

const offsetOf = (node: unknown) => (node as Node | null | undefined)?.range?.[0];

/** Place of the deepest node that is there on the way to `path`. */
function placeOf(node: unknown, path: readonly (string | number)[]): number | undefined {
  const [first, ...rest] = path;
  if (first === undefined || !(isMap(node) || isSeq(node))) return offsetOf(node);
  const inner: unknown = node.get(first, true);
  return (inner === undefined ? undefined : placeOf(inner, rest)) ?? offsetOf(node);
}

/**
 * Reads a file of alert rules: `version: 1`, `rules:` a list. Names are unique. All mistakes are named with file and line; a
 * file with a mistake gives no rules at all, so that a typo never switches off half of the alerting unseen.
 */
export function readRuleFile(text: string, file: string): RuleFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const at = (offset: number | undefined) => `${file}:${lines.linePos(offset ?? 0).line}`;
  if (document.errors.length > 0)
    return { kind: 'errors', errors: document.errors.map((e) => `${at(e.pos[0])}: ${e.message.split('\n')[0]}`) };
  const root: unknown = document.contents;
  const version = isMap(root) ? root.get('version') : undefined;
  if (!isMap(root) || version !== 1)
    return { kind: 'errors', errors: [`${at(offsetOf(root))}: version: 1 is missing`] };
  const unknown = root.items.find(({ key }) => !['version', 'rules'].includes(String(key)));
  if (unknown)
    return { kind: 'errors', errors: [`${at(offsetOf(unknown.key))}: '${String(unknown.key)}' is not known`] };
  const list: unknown = root.get('rules', true);
  if (!isSeq(list)) return { kind: 'errors', errors: [`${at(offsetOf(list))}: rules: is not a list`] };
  return readRules(list.items, at);
}

function readRules(items: readonly unknown[], at: (offset: number | undefined) => string): RuleFile {
  const [rules, errors, names]: [AlertRule[], string[], Set<string>] = [[], [], new Set()];
  for (const item of items) {
    const parsed = parseRule((item as Node | null)?.toJSON());
    if (parsed.kind === 'problems') {
      for (const { path, message } of parsed.problems)
        errors.push(`${at(placeOf(item, path))}: ${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`);
    } else if (names.has(parsed.rule.name)) {
      errors.push(`${at(offsetOf(item))}: there is a rule ${parsed.rule.name} already`);
    } else {
      names.add(parsed.rule.name);
      rules.push(parsed.rule);
    }
  }
  return errors.length > 0 ? { kind: 'errors', errors } : { kind: 'rules', rules };
}
