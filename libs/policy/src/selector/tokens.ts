/** A token of Calico's selector language. Keywords are known by their place: a label may be called `in`. */
export type Token =
  | { readonly kind: '(' | ')' | '{' | '}' | ',' | '==' | '!=' | '!' | '&&' | '||' | 'all' | 'global' }
  | { readonly kind: 'in' | 'not in' | 'contains' | 'starts with' | 'ends with' }
  | { readonly kind: 'text' | 'label' | 'has'; readonly text: string };

export type SelectorError = { readonly kind: 'error'; readonly detail: string };

const LABEL = '[a-zA-Z0-9_./-]{1,512}';
const SYMBOL = /^(?:&&|\|\||==|!=|[(){},!])/;
const LITERAL = /^(?:"([^"]*)"|'([^']*)')/;
const WORDS: readonly [RegExp, (text: string) => Token][] = [
  [new RegExp(`^has\\(\\s*(${LABEL})\\s*\\)`), (text) => ({ kind: 'has', text })],
  [/^all\(\s*\)/, () => ({ kind: 'all' })],
  [/^global\(\s*\)/, () => ({ kind: 'global' })],
  [new RegExp(`^(${LABEL})`), (text) => ({ kind: 'label', text })],
];
const OPERATORS: readonly [RegExp, Token][] = [
  [/^contains\b/, { kind: 'contains' }],
  [/^starts\s*with\b/, { kind: 'starts with' }],
  [/^ends\s*with\b/, { kind: 'ends with' }],
  [/^not\s*in\b/, { kind: 'not in' }],
  [/^in\b/, { kind: 'in' }],
];

/** One token at the start of the text, and its length; undefined where there is none. */
function next(text: string, afterLabel: boolean): { readonly token: Token; readonly length: number } | undefined {
  const symbol = SYMBOL.exec(text);
  if (symbol) return { token: { kind: symbol[0] as '(' }, length: symbol[0].length };
  const literal = LITERAL.exec(text);
  if (literal) return { token: { kind: 'text', text: literal[1] ?? literal[2] ?? '' }, length: literal[0].length };
  if (afterLabel) {
    for (const [pattern, token] of OPERATORS) {
      const match = pattern.exec(text);
      if (match) return { token, length: match[0].length };
    }
    return undefined;
  }
  for (const [pattern, make] of WORDS) {
    const match = pattern.exec(text);
    if (match) return { token: make(match[1] ?? ''), length: match[0].length };
  }
  return undefined;
}

/** Cuts a selector into tokens; only blanks and tabs may stand between them. */
export function tokenize(text: string): readonly Token[] | SelectorError {
  const tokens: Token[] = [];
  let rest = text.replace(/^[ \t]+/, '');
  while (rest !== '') {
    const found = next(rest, tokens.at(-1)?.kind === 'label');
    if (!found) return { kind: 'error', detail: `unexpected characters: ${rest.slice(0, 40)}` };
    tokens.push(found.token);
    rest = rest.slice(found.length).replace(/^[ \t]+/, '');
  }
  return tokens;
}
