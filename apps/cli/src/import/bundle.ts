import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type BundleFile,
  type BundleManifest,
  bundleManifestSchema,
  COVERAGE_FORMAT,
  describeBundleFile,
  type EnvelopeInput,
} from '@whydrop/contracts';
import { detectFlowLog, type FormatId, isFormat } from '@whydrop/decoders';
import { formatInstant, instantFromSeconds } from '@whydrop/model';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { UsageError } from '../errors.js';
import { piecesOf } from './pieces.js';

/** A file of a bundle that will be shipped. */
export interface ShippedFile extends BundleFile {
  readonly format: FormatId;
  readonly path: string;
}

export interface Bundle {
  readonly directory: string;
  readonly manifest: BundleManifest;
  readonly files: readonly ShippedFile[];
  /** Files that the layout does not know, or that no decoder reads: named, not shipped. */
  readonly passedOver: readonly string[];
}

/** One batch of a bundle, ready to be posted. */
export interface BundleBatch {
  readonly envelope: EnvelopeInput;
  readonly payload: Buffer;
}

/** The line of a value, or of what should hold it. */
function lineOf(document: Document, lines: LineCounter, place: readonly PropertyKey[]): number {
  for (let depth = place.length; depth >= 0; depth--) {
    const node = document.getIn(place.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

async function readManifest(directory: string): Promise<BundleManifest> {
  const file = path.join(directory, 'bundle.yaml');
  const text = await readFile(file, 'utf8').catch(() => {
    throw new UsageError(`${file}: cannot be read; a bundle is a folder with a bundle.yaml`);
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fault = document.errors[0];
  if (fault) throw new UsageError(`${file}:${fault.linePos?.[0].line ?? 1}: ${fault.message.split('\n')[0]}`);
  const result = bundleManifestSchema.safeParse(document.toJS());
  if (result.success) return result.data;
  const { path: place = [], message } = result.error.issues[0] ?? {};
  const key = place.length > 0 ? `${place.join('.')}: ` : '';
  throw new UsageError(`${file}:${lineOf(document, lines, place)}: ${key}${message}`);
}

/** Objects first, then what the nodes hold, then what they logged: so that most is explained in one go. */
function order({ format, splittable }: ShippedFile): number {
  if (format === 'kubernetes-objects') return 0;
  if (format === 'kubernetes-events') return 1;
  return splittable ? 3 : 2;
}

const HEAD_BYTES = 256 * 1024;

/** Names of flow logs may say nothing: their first lines do. */
async function detected(file: string): Promise<FormatId | undefined> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(HEAD_BYTES) });
    return detectFlowLog(buffer.toString('utf8', 0, bytesRead));
  } finally {
    await handle.close();
  }
}

/** What a file is and how it is read; undefined when nothing here reads it. */
async function recognise(directory: string, relative: string): Promise<ShippedFile | undefined> {
  const known = describeBundleFile(relative);
  const format = known && (known.format ?? (await detected(path.join(directory, relative))));
  return known && format !== undefined && isFormat(format) ? { ...known, format, path: relative } : undefined;
}

/** The path of the mapping that goes with a file. */
function mappingOf(file: ShippedFile): string | undefined {
  return file.mapping === undefined ? undefined : path.posix.join(path.posix.dirname(file.path), file.mapping);
}

/** Reads what a bundle holds, by its layout alone. */
export async function openBundle(directory: string): Promise<Bundle> {
  const manifest = await readManifest(directory);
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files: ShippedFile[] = [];
  const passedOver: string[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const full = path.join(entry.parentPath, entry.name);
    const relative = path.relative(directory, full).split(path.sep).join('/');
    const file = await recognise(directory, relative);
    if (file) files.push(file);
    else if (relative !== 'bundle.yaml') passedOver.push(relative);
  }
  files.sort((a, b) => order(a) - order(b) || (a.path < b.path ? -1 : 1));
  const mappings = new Set(files.map(mappingOf));
  return { directory, manifest, files, passedOver: passedOver.filter((file) => !mappings.has(file)).toSorted() };
}

/** A file's epoch is made of its content: the same file again is the same batches, an edited one is new. */
function epochOf(hash: string): number {
  return parseInt(hash.slice(0, 12), 16);
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

function times(file: ShippedFile, manifest: BundleManifest): Pick<EnvelopeInput, 'observedFrom' | 'observedTo'> {
  const taken = file.takenAt === undefined ? undefined : instantFromSeconds(file.takenAt);
  if (taken !== undefined) return { observedFrom: formatInstant(taken), observedTo: formatInstant(taken) };
  // Without a time in its name a list of interfaces holds throughout.
  if (file.format === 'interfaces') return { observedFrom: null, observedTo: null };
  return { observedFrom: manifest.from, observedTo: manifest.to };
}

/** What the lines of a file do not say: its own attributes, the capture's zone, a mapping that lies beside it. */
async function attributesOf({ directory, manifest }: Bundle, file: ShippedFile): Promise<Record<string, string>> {
  const timezone: Record<string, string> = manifest.timezone === undefined ? {} : { timezone: manifest.timezone };
  const mapping = mappingOf(file);
  if (mapping === undefined) return { ...timezone, ...file.attributes };
  const text = await readFile(path.join(directory, mapping), 'utf8').catch(() => {
    throw new UsageError(`${path.join(directory, mapping)}: cannot be read; ${file.path} needs its mapping there`);
  });
  return { ...timezone, ...file.attributes, mapping: text };
}

async function* fileBatches(bundle: Bundle, file: ShippedFile): AsyncGenerator<BundleBatch> {
  const full = path.join(bundle.directory, file.path);
  const { manifest } = bundle;
  const envelope = {
    version: 1 as const,
    cluster: manifest.cluster,
    node: file.node,
    stream: file.path,
    format: file.format,
    epoch: epochOf(await hashOf(full)),
    attributes: await attributesOf(bundle, file),
    ...times(file, manifest),
  };
  if (!file.splittable) {
    yield { envelope: { ...envelope, sequence: 0 }, payload: await readFile(full) };
    return;
  }
  let sequence = 0;
  for await (const { payload, firstLine } of piecesOf(full, file.format)) {
    yield { envelope: { ...envelope, sequence: sequence++, firstLine }, payload };
  }
}

function coverageBatch({ manifest }: Bundle): BundleBatch {
  const nodes = Object.fromEntries(Object.entries(manifest.nodes).map(([node, { complete }]) => [node, complete]));
  const payload = Buffer.from(JSON.stringify({ from: manifest.from, to: manifest.to, nodes }));
  const epoch = epochOf(createHash('sha256').update(payload).digest('hex'));
  const times = { observedFrom: manifest.from, observedTo: manifest.to };
  const head = { version: 1 as const, cluster: manifest.cluster, node: null, stream: 'bundle.yaml' };
  return { envelope: { ...head, format: COVERAGE_FORMAT, epoch, sequence: 0, ...times }, payload };
}

/** All batches of a bundle, in the order in which they are best understood. */
export async function* bundleBatches(bundle: Bundle): AsyncGenerator<BundleBatch> {
  yield coverageBatch(bundle);
  for (const file of bundle.files) yield* fileBatches(bundle, file);
}
