import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { KubernetesObject } from '@whydrop/model';
import { invalidParts } from '@whydrop/policy';
import { UsageError } from '../errors.js';
import { documentsOf, type ManifestDocument } from './documents.js';
import { isFields, objectsOf, type FoundObject } from './objects.js';

/** A part of the manifests that cannot be used, and why. */
export interface InvalidManifest {
  readonly file: string;
  readonly document: number;
  readonly line: number;
  readonly reason: string;
}

export interface Manifests {
  readonly objects: readonly KubernetesObject[];
  readonly invalid: readonly InvalidManifest[];
  /** What was passed over without harm: documents that are no objects, doubles. */
  readonly notes: readonly string[];
}

const EXTENSION = /\.(ya?ml|json)$/i;

/** All manifest files of a folder, at any depth, in the order of their paths; a file stands for itself. */
async function filesOf(place: string): Promise<readonly string[]> {
  const found = await stat(place).catch(() => undefined);
  if (!found) throw new UsageError(`${place}: there is no such folder`);
  if (!found.isDirectory()) return [place];
  const entries = await readdir(place, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && EXTENSION.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name));
  return files.sort();
}

/** `spec.ingress[0].from[1]` as keys. */
function keysOf(place: string): readonly (string | number)[] {
  return [...place.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([whole, index]) =>
    index === undefined ? whole : Number(index),
  );
}

function nameOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata.name}`;
}

class Reader {
  readonly objects: KubernetesObject[] = [];
  readonly invalid: InvalidManifest[] = [];
  readonly notes: string[] = [];
  private readonly seen = new Map<string, number>();

  document(file: string, document: ManifestDocument): void {
    const { value, error, number, line } = document;
    if (error !== undefined) {
      this.invalid.push({ file, document: number, line, reason: error });
      return;
    }
    if (value === undefined || value === null) return;
    if (!isFields(value) && !Array.isArray(value)) {
      this.invalid.push({
        file,
        document: number,
        line,
        reason: 'the document is no mapping, so no Kubernetes object',
      });
      return;
    }
    const found = objectsOf(value);
    if (found.length === 0 && isFields(value) && value['kind'] === undefined) {
      this.notes.push(`${file}: document ${number} has no kind and is passed over`);
    }
    for (const one of found) this.object(file, document, one);
  }

  private object(file: string, document: ManifestDocument, { object, path: at }: FoundObject): void {
    const [problem] = invalidParts(object);
    if (problem) {
      const line = document.lineOf([...at, ...keysOf(problem.path)]);
      const reason = `${nameOf(object)}: ${problem.path}: ${problem.detail}`;
      this.invalid.push({ file, document: document.number, line, reason });
      return;
    }
    this.keep(file, object);
  }

  /** The same object given twice counts once, as it was given last. */
  private keep(file: string, object: KubernetesObject): void {
    const group = object.apiVersion.replace(/^extensions\//, 'networking.k8s.io/').split('/', 1)[0] ?? '';
    const key = `${group} ${nameOf(object)}`;
    const known = object.metadata.name === '' ? undefined : this.seen.get(key);
    if (known === undefined) {
      this.seen.set(key, this.objects.length);
      this.objects.push(object);
      return;
    }
    if (JSON.stringify(this.objects[known]) !== JSON.stringify(object)) {
      this.notes.push(`${file}: ${nameOf(object)} is declared again; this declaration counts`);
    }
    this.objects[known] = object;
  }
}

/** Reads every manifest under a folder. Nothing is thrown for what a file holds: it is in `invalid`. */
export async function readManifests(place: string): Promise<Manifests> {
  const reader = new Reader();
  for (const file of await filesOf(place)) {
    const shown = path.relative(place, file) || path.basename(file);
    const text = await readFile(file, 'utf8');
    for (const document of documentsOf(text)) reader.document(shown, document);
  }
  return reader;
}
