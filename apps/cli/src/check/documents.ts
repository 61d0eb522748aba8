import { LineCounter, parseAllDocuments, type Document } from 'yaml';

/** One document of a manifest file, or why it is none. */
export interface ManifestDocument {
  /** From 1, as people count. */
  readonly number: number;
  readonly line: number;
  readonly value: unknown;
  readonly error: string | undefined;
  /** Line of a part of the document, by its keys; of the document where there is no such part. */
  readonly lineOf: (path: readonly (string | number)[]) => number;
}

function nodeAt(
  document: Document,
  path: readonly (string | number)[],
): { readonly range?: readonly number[] | null } | undefined {
  // The nearest part that exists stands for one that is missing.
  for (let length = path.length; length > 0; length--) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (node !== undefined && typeof node === 'object' && node !== null) return node;
  }
  return document.contents ?? undefined;
}

function valueOf(document: Document): { readonly value: unknown; readonly error: string | undefined } {
  const [error] = document.errors;
  if (error)
    return { value: undefined, error: error.message.split('\n', 1)[0]?.replace(/ at line \d+.*$/, '') ?? error.code };
  try {
    return { value: document.toJS({ maxAliasCount: 1000 }), error: undefined };
  } catch (failure) {
    return { value: undefined, error: failure instanceof Error ? failure.message : String(failure) };
  }
}

function yamlDocuments(text: string): readonly ManifestDocument[] {
  const lines = new LineCounter();
  const options = { lineCounter: lines, uniqueKeys: false, merge: true, logLevel: 'silent', strict: false } as const;
  const documents = parseAllDocuments(text, options) as readonly Document.Parsed[];
  return documents.map((document, index) => {
    const lineAt = (offset: number): number => Math.max(lines.linePos(offset).line, 1);
    const start = document.contents?.range?.[0] ?? document.range[0];
    const [error] = document.errors;
    return {
      number: index + 1,
      line: error ? lineAt(error.pos[0]) : lineAt(start),
      ...valueOf(document),
      lineOf: (path) => lineAt(nodeAt(document, path)?.range?.[0] ?? start),
    };
  });
}

/** Records of a program in a file of JSON lines: no manifests, but no mistake either. */
function jsonLines(text: string): readonly ManifestDocument[] | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  try {
    return lines.map((line, index) => {
      const value: unknown = JSON.parse(line);
      return { number: index + 1, line: index + 1, value, error: undefined, lineOf: () => index + 1 };
    });
  } catch {
    return undefined;
  }
}

/**
 * Splits a manifest file into its documents. JSON is read by its own parser, which is much faster; what that refuses
 * (several values, comments) is read line by line or as YAML, which also knows the lines.
 */
export function documentsOf(text: string): readonly ManifestDocument[] {
  const clean = text.replace(/^\uFEFF/, '');
  if (!/^\s*[[{]/.test(clean)) return yamlDocuments(clean);
  try {
    const value: unknown = JSON.parse(clean);
    const lineOf = (path: readonly (string | number)[]): number => yamlDocuments(clean)[0]?.lineOf(path) ?? 1;
    return [{ number: 1, line: 1, value, error: undefined, lineOf }];
  } catch {
    return jsonLines(clean) ?? yamlDocuments(clean);
  }
}
