import { tokenize, type SelectorError, type Token } from './tokens.js';

/** A selector of Calico as a tree. */
export type Selector =
  | { readonly kind: 'all' | 'global' }
  | { readonly kind: 'has'; readonly label: string }
  | { readonly kind: 'text'; readonly label: string; readonly operator: TextOperator; readonly value: string }
  | {
      readonly kind: 'set';
      readonly label: string;
      readonly operator: 'in' | 'not in';
      readonly values: readonly string[];
    }
  | { readonly kind: 'not'; readonly of: Selector }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Selector[] };

export type TextOperator = '==' | '!=' | 'contains' | 'starts with' | 'ends with';

class Refused extends Error {}

const TEXT_OPERATORS: readonly string[] = ['==', '!=', 'contains', 'starts with', 'ends with'];

/** Recursive descent over the grammar of libcalico-go lib/selector/parser. */
class Parser {
  private at = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  whole(): Selector {
    const selector = this.list('or');
    const left = this.tokens[this.at];
    if (left) throw new Refused(`unexpected ${left.kind} behind the end`);
    return selector;
  }

  private list(kind: 'or' | 'and'): Selector {
    const of = [this.item(kind)];
    while (this.take(kind === 'or' ? '||' : '&&')) of.push(this.item(kind));
    return of.length === 1 && of[0] ? of[0] : { kind, of };
  }

  private item(kind: 'or' | 'and'): Selector {
    return kind === 'or' ? this.list('and') : this.negated();
  }

  private negated(): Selector {
    let negative = false;
    while (this.take('!')) negative = !negative;
    const selector = this.primary();
    return negative ? { kind: 'not', of: selector } : selector;
  }

  private primary(): Selector {
    const token = this.tokens[this.at++];
    switch (token?.kind) {
      case 'all':
      case 'global':
        return { kind: token.kind };
      case 'has':
        return { kind: 'has', label: token.text };
      case 'label':
        return this.match(token.text);
      case '(': {
        const inner = this.list('or');
        this.expect(')');
        return inner;
      }
      default:
        throw new Refused(token ? `unexpected ${token.kind}` : 'the selector ends too early');
    }
  }

  private match(label: string): Selector {
    const operator = this.tokens[this.at++];
    if (operator?.kind === 'in' || operator?.kind === 'not in') {
      return { kind: 'set', label, operator: operator.kind, values: this.set() };
    }
    if (!operator || !TEXT_OPERATORS.includes(operator.kind)) throw new Refused(`label ${label} needs an operator`);
    return { kind: 'text', label, operator: operator.kind as TextOperator, value: this.text() };
  }

  private text(): string {
    const token = this.tokens[this.at++];
    if (token?.kind !== 'text') throw new Refused('a quoted value is expected');
    return token.text;
  }

  private set(): readonly string[] {
    this.expect('{');
    const values = new Set<string>();
    while (this.tokens[this.at]?.kind === 'text') {
      values.add(this.text());
      if (!this.take(',')) break;
    }
    this.expect('}');
    return [...values].sort();
  }

  private take(kind: Token['kind']): boolean {
    if (this.tokens[this.at]?.kind !== kind) return false;
    this.at++;
    return true;
  }

  private expect(kind: Token['kind']): void {
    if (!this.take(kind)) throw new Refused(`${kind} is expected`);
  }
}

const ALL: Selector = { kind: 'all' };

/** Reads a selector; empty or blank text is `all()`. An error says what is wrong with the text. */
export function parseSelector(text: string): Selector | SelectorError {
  const tokens = tokenize(text);
  if ('kind' in tokens) return tokens;
  if (tokens.length === 0) return ALL;
  try {
    return new Parser(tokens).whole();
  } catch (error) {
    if (error instanceof Refused) return { kind: 'error', detail: error.message };
    throw error;
  }
}

function matchesText(operator: TextOperator, value: string | undefined, wanted: string): boolean {
  switch (operator) {
    case '==':
      return value === wanted;
    case '!=':
      return value !== wanted;
    case 'contains':
      return value !== undefined && value.includes(wanted);
    case 'starts with':
      return value !== undefined && value.startsWith(wanted);
    case 'ends with':
      return value !== undefined && value.endsWith(wanted);
  }
}

/** Whether labels match. `!=` and `not in` hold where the label is absent. */
export function matches(selector: Selector, labels: ReadonlyMap<string, string>): boolean {
  switch (selector.kind) {
    case 'all':
    case 'global':
      return true;
    case 'has':
      return labels.has(selector.label);
    case 'text':
      return matchesText(selector.operator, labels.get(selector.label), selector.value);
    case 'set': {
      const value = labels.get(selector.label);
      const isIn = value !== undefined && selector.values.includes(value);
      return selector.operator === 'in' ? isIn : !isIn;
    }
    case 'not':
      return !matches(selector.of, labels);
    case 'and':
      return selector.of.every((one) => matches(one, labels));
    case 'or':
      return selector.of.some((one) => matches(one, labels));
  }
}

/** Rewrites the leaves: labels and the two functions. */
export function rewrite(selector: Selector, leaf: (leaf: Selector) => Selector): Selector {
  if (selector.kind === 'not') return { kind: 'not', of: rewrite(selector.of, leaf) };
  if (selector.kind === 'and' || selector.kind === 'or') {
    return { kind: selector.kind, of: selector.of.map((one) => rewrite(one, leaf)) };
  }
  return leaf(selector);
}

function quoted(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}

/** The canonical text: what the names of IP sets are hashed from. */
export function selectorText(selector: Selector): string {
  switch (selector.kind) {
    case 'all':
    case 'global':
      return `${selector.kind}()`;
    case 'has':
      return `has(${selector.label})`;
    case 'text':
      return `${selector.label} ${selector.operator} ${quoted(selector.value)}`;
    case 'set':
      return `${selector.label} ${selector.operator} {${selector.values.map(quoted).join(', ')}}`;
    case 'not':
      return `!${selectorText(selector.of)}`;
    case 'and':
    case 'or':
      return `(${selector.of.map(selectorText).join(selector.kind === 'and' ? ' && ' : ' || ')})`;
  }
}
