import { Composer, isMap, isSeq, Lexer, LineCounter, Parser } from 'yaml';
import type { CST, Document } from 'yaml';
import type { Reject } from '@whydrop/model';
import { isObject, NESTING_LIMIT, parseJson } from '../json.js';
import { linesOf, reject } from '../lines.js';

/** One document of a manifest file, parsed, with the lines of what lies in it. */
export interface ManifestDocument {
  readonly value: unknown;
  readonly line: number;
  /** Line of the n-th entry of `items`. */
  readonly itemLine: (index: number) => number;
  readonly raw: string;
}

const RAW_LIMIT = 4096;

function itemLines(document: Document.Parsed, lineAt: (offset: number) => number, line: number): (i: number) => number {
  const items = isMap(document.contents) ? document.contents.get('items') : undefined;
  if (!isSeq(items)) return () => line;
  return (index) => {
    const item = items.items[index] as { range?: readonly number[] | null } | undefined;
    return item?.range ? lineAt(item.range[0] ?? 0) : line;
  };
}

/** Values of a document; aliases that multiply beyond reason, or nesting beyond the stack, make it unreadable. */
function valueOf(document: Document.Parsed): { value: unknown } | undefined {
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return { value };
  } catch {
    return undefined;
  }
}

/** One syntax error is enough to refuse a document; each costs as much as a page of YAML. */
function* firstErrors(tokens: Iterable<CST.Token>): Generator<CST.Token> {
  let refused = false;
  for (const token of tokens) {
    if (token.type === 'document') refused = false;
    if (token.type === 'error' && refused) continue;
    refused ||= token.type === 'error';
    yield token;
  }
}

/** What is cheap to see: too few brackets to nest, and no line that begins with a row of dashes. */
function mayNestDeep(payload: string): boolean {
  let brackets = 0;
  for (let i = 0; i < payload.length && brackets <= NESTING_LIMIT; i++) {
    const c = payload.charCodeAt(i);
    if (c === 91 || c === 123) brackets++;
  }
  return brackets > NESTING_LIMIT || /^[ \t]{0,1000}(?:[-?][ \t]{1,100}){32}/m.test(payload);
}

/**
 * Whether flow collections, or compact block collections in one line (`- - - x`), nest beyond the limit. Block
 * collections over several lines cost an indentation per level and need no limit here.
 */
function nestsTooDeep(payload: string): boolean {
  if (!mayNestDeep(payload)) return false;
  let depth = 0;
  let inLine = 0;
  for (const lexeme of new Lexer().lex(payload)) {
    if (lexeme === '[' || lexeme === '{') depth++;
    else if (lexeme === ']' || lexeme === '}') depth = Math.max(0, depth - 1);
    else if (lexeme === '-' || lexeme === '?') inLine++;
    else if (lexeme === '\n' || lexeme === '\r\n') inLine = 0;
    if (depth > NESTING_LIMIT || inLine > NESTING_LIMIT) return true;
  }
  return false;
}

function parseYaml(payload: string, lineCounter: LineCounter): readonly Document.Parsed[] | undefined {
  if (nestsTooDeep(payload)) return undefined;
  const tokens = firstErrors(new Parser(lineCounter.addNewLine).parse(payload));
  const composer = new Composer({ uniqueKeys: false, merge: true, logLevel: 'silent', prettyErrors: false });
  try {
    return [...composer.compose(tokens, false, payload.length)];
  } catch {
    return undefined; // Nesting beyond the stack.
  }
}

/** Whether there is more than blanks and comments: then a file without documents is no YAML. */
function hasContent(payload: string): boolean {
  return /^[ \t]*[^\s#]/m.test(payload);
}

/** Whether the first line is a whole JSON object: then each line is one. */
function isJsonLines(payload: string): boolean {
  const end = payload.indexOf('\n');
  return payload.startsWith('{') && end > 0 && isObject(parseJson(payload.slice(0, end)));
}

function* jsonLines(payload: string, firstLine: number): Generator<ManifestDocument | Reject> {
  for (const { text, number } of linesOf(payload, firstLine)) {
    if (text.trim() === '') continue;
    const value = parseJson(text);
    if (value === undefined) yield reject('NOT_YAML', number, text, 'The line is no JSON object.');
    else yield { value, line: number, itemLine: () => number, raw: text.slice(0, RAW_LIMIT) };
  }
}

/**
 * Splits a YAML or JSON file, or one of JSON lines, into its documents. Empty documents are passed over; a document that is not YAML is
 * rejected with the line of its first error, and the others are read.
 */
export function* documentsOf(payload: string, firstLine: number): Generator<ManifestDocument | Reject> {
  const json = /^\s{0,100}[[{]/.test(payload) ? parseJson(payload) : undefined;
  if (json !== undefined) {
    yield { value: json, line: firstLine, itemLine: () => firstLine, raw: payload.slice(0, RAW_LIMIT) };
    return;
  }
  if (isJsonLines(payload)) {
    yield* jsonLines(payload, firstLine);
    return;
  }
  const lineCounter = new LineCounter();
  const documents = parseYaml(payload, lineCounter);
  if (!documents) yield reject('NOT_YAML', firstLine, payload, 'The document is nested too deeply.');
  if (documents?.length === 0 && hasContent(payload))
    yield reject('NOT_YAML', firstLine, payload, 'The file holds no document.');
  const lineAt = (offset: number): number => firstLine + Math.max(lineCounter.linePos(offset).line - 1, 0);
  for (const document of documents ?? []) yield* readDocument(document, payload, lineAt);
}

function* readDocument(
  document: Document.Parsed,
  payload: string,
  lineAt: (offset: number) => number,
): Generator<ManifestDocument | Reject> {
  const [start, , end] = document.range;
  const raw = payload.slice(start, end > start ? Math.min(end, start + RAW_LIMIT) : start + RAW_LIMIT);
  const error = document.errors[0];
  if (error) {
    yield reject('NOT_YAML', lineAt(error.pos[0]), raw, `${error.message.split('\n', 1)[0] ?? error.code}.`);
    return;
  }
  const line = lineAt(document.contents?.range[0] ?? start);
  const parsed = valueOf(document);
  if (!parsed) yield reject('NOT_YAML', line, raw, 'Aliases multiply beyond reason, or the nesting is too deep.');
  else if (parsed.value !== null && parsed.value !== undefined) {
    yield { value: parsed.value, line, itemLine: itemLines(document, lineAt, line), raw };
  }
}
