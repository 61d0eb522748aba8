import type { Labels } from '../scenario.js';
import { LabError } from '../shell.js';

/** Calico's selector language, as far as the lab's policies use it: `libcalico-go/lib/selector/parser`. */
export type Selector =
  | { readonly kind: 'all' }
  | { readonly kind: 'has'; readonly label: string }
  | { readonly kind: 'compare'; readonly label: string; readonly operator: '==' | '!='; readonly value: string }
  | {
      readonly kind: 'member';
      readonly label: string;
      readonly operator: 'in' | 'not in';
      readonly values: readonly string[];
    }
  | { readonly kind: 'not'; readonly term: Selector }
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Selector[] };

const TOKEN =
  /\s*(all\(\)|has\(\s*([A-Za-z0-9_./-]+)\s*\)|&&|\|\||==|!=|not\s+in(?=\s*\{)|in(?=\s*\{)|[!(){},]|'([^']*)'|"([^"]*)"|[A-Za-z0-9_./-]+)/y;

function tokens(text: string): readonly string[] {
  const found: string[] = [];
  let position = 0;
  const end = text.trimEnd().length;
  while (position < end) {
    TOKEN.lastIndex = position;
    const match = TOKEN.exec(text);
    if (!match?.[1]) throw new LabError(`Selector ${text}: cannot read from ${position}`);
    found.push(match[1]);
    position = TOKEN.lastIndex;
  }
  return found;
}

class Reader {
  private position = 0;

  constructor(private readonly all: readonly string[]) {}

  peek(): string | undefined {
    return this.all[this.position];
  }

  take(): string {
    const token = this.all[this.position];
    if (token === undefined) throw new LabError('Selector ends too early');
    this.position += 1;
    return token;
  }

  accept(token: string): boolean {
    if (this.peek() !== token) return false;
    this.position += 1;
    return true;
  }
}

function list(reader: Reader, operator: '&&' | '||', term: (reader: Reader) => Selector): Selector {
  const first = term(reader);
  const terms = [first];
  while (reader.accept(operator)) terms.push(term(reader));
  return terms.length === 1 ? first : { kind: operator === '&&' ? 'and' : 'or', terms };
}

const expression = (reader: Reader): Selector => list(reader, '||', conjunction);
const conjunction = (reader: Reader): Selector => list(reader, '&&', unary);

function unary(reader: Reader): Selector {
  if (!reader.accept('!')) return primary(reader);
  const term = unary(reader);
  return term.kind === 'not' ? term.term : { kind: 'not', term };
}

const unquote = (token: string): string => token.slice(1, -1);

function primary(reader: Reader): Selector {
  const token = reader.take();
  if (token === 'all()') return { kind: 'all' };
  if (token.startsWith('has(')) return { kind: 'has', label: token.slice(4, -1).trim() };
  if (token !== '(') return comparison(token, reader);
  const inner = expression(reader);
  if (!reader.accept(')')) throw new LabError('Selector lacks a )');
  return inner;
}

function comparison(label: string, reader: Reader): Selector {
  const operator = reader.take();
  if (operator === '==' || operator === '!=')
    return { kind: 'compare', label, operator, value: unquote(reader.take()) };
  reader.take();
  const values: string[] = [];
  while (!reader.accept('}')) {
    values.push(unquote(reader.take()));
    reader.accept(',');
  }
  const sorted = [...new Set(values)].sort();
  return { kind: 'member', label, operator: operator === 'in' ? 'in' : 'not in', values: sorted };
}

/** Reads a selector; empty text selects all. */
export function parseSelector(text: string): Selector {
  if (text.trim() === '') return { kind: 'all' };
  const reader = new Reader(tokens(text));
  const selector = expression(reader);
  if (reader.peek() !== undefined) throw new LabError(`Selector ${text}: what is ${reader.peek()}?`);
  return selector;
}

const quoted = (value: string): string => (value.includes('"') ? `'${value}'` : `"${value}"`);

/** The canonical text, which names of IP sets are a hash of. */
export function canonicalSelector(selector: Selector): string {
  switch (selector.kind) {
    case 'all':
      return 'all()';
    case 'has':
      return `has(${selector.label})`;
    case 'compare':
      return `${selector.label} ${selector.operator} ${quoted(selector.value)}`;
    case 'member':
      return `${selector.label} ${selector.operator} {${selector.values.map(quoted).join(', ')}}`;
    case 'not':
      return `!${canonicalSelector(selector.term)}`;
    case 'and':
      return `(${selector.terms.map(canonicalSelector).join(' && ')})`;
    case 'or':
      return `(${selector.terms.map(canonicalSelector).join(' || ')})`;
  }
}

export function matchesSelector(selector: Selector, labels: Labels): boolean {
  switch (selector.kind) {
    case 'all':
      return true;
    case 'has':
      return labels[selector.label] !== undefined;
    case 'compare':
      return (labels[selector.label] === selector.value) === (selector.operator === '==');
    case 'member': {
      const value = labels[selector.label];
      const member = value !== undefined && selector.values.includes(value);
      return member === (selector.operator === 'in');
    }
    case 'not':
      return !matchesSelector(selector.term, labels);
    case 'and':
      return selector.terms.every((term) => matchesSelector(term, labels));
    case 'or':
      return selector.terms.some((term) => matchesSelector(term, labels));
  }
}

/** The same selector over labels with a prefix: how labels of namespaces appear on endpoints. */
export function prefixed(selector: Selector, prefix: string): Selector {
  switch (selector.kind) {
    case 'all':
      return { kind: 'has', label: 'projectcalico.org/namespace' };
    case 'not':
      return { kind: 'not', term: prefixed(selector.term, prefix) };
    case 'and':
    case 'or':
      return { kind: selector.kind, terms: selector.terms.map((term) => prefixed(term, prefix)) };
    default:
      return { ...selector, label: `${prefix}${selector.label}` };
  }
}
