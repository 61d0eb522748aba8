import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type BundleFile,
  type BundleManifest,
  bundleManifestSchema,
  COVERAGE_FORMAT,
  describeBundleFile,
  type EnvelopeInput,
} from '@whydrop/contracts';
import { beginsRecord, isFormat } from '@whydrop/decoders';
import { formatInstant, instantFromSeconds } from '@whydrop/model';
import { parseDocument } from 'yaml';
import { UsageError } from '../errors.js';

/** A file of a bundle that will be shipped. */
export interface ShippedFile extends BundleFile {
  readonly path: string;
}

export interface Bundle {
  readonly directory: string;
  readonly manifest: BundleManifest;
  readonly files: readonly ShippedFile[];
  /** Files that the layout does not know: named, not shipped. */
  readonly passedOver: readonly string[];
}

/** One batch of a bundle, ready to be posted. */
export interface BundleBatch {
  readonly envelope: EnvelopeInput;
  readonly payload: Buffer;
}

async function readManifest(directory: string): Promise<BundleManifest> {
  const file = path.join(directory, 'bundle.yaml');
  const text = await readFile(file, 'utf8').catch(() => {
    throw new UsageError(`${file}: cannot be read; a bundle is a folder with a bundle.yaml`);
  });
  const document = parseDocument(text);
  const fault = document.errors[0];
  if (fault) throw new UsageError(`${file}:${fault.linePos?.[0].line ?? 1}: ${fault.message.split('\n')[0]}`);
  const result = bundleManifestSchema.safeParse(document.toJS());
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new UsageError(`${file}: ${issue?.path.join('.')}: ${issue?.message}`);
}

/** Objects first, then what the nodes hold, then what they logged: so that most is explained in one go. */
function order(file: ShippedFile): number {
  if (file.node === null) return file.splittable ? 1 : 0;
  return file.splittable ? 3 : 2;
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
    const known = describeBundleFile(relative);
    if (known) files.push({ ...known, path: relative });
    else if (relative !== 'bundle.yaml') passedOver.push(relative);
  }
  files.sort((a, b) => order(a) - order(b) || (a.path < b.path ? -1 : 1));
  return { directory, manifest, files, passedOver: passedOver.toSorted() };
}

const CHUNK_BYTES = 1024 * 1024;

interface Chunk {
  readonly payload: Buffer;
  readonly firstLine: number;
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}

/** Where a piece may end: behind the last line whose successor begins a record of its own; -1 when there is none. */
function cutAt(bytes: Buffer, begins: (line: string) => boolean): number {
  for (let end = bytes.lastIndexOf(10); end >= 0; end = end === 0 ? -1 : bytes.lastIndexOf(10, end - 1)) {
    const next = bytes.indexOf(10, end + 1);
    // The last line may not be complete yet: what it begins with cannot be told.
    if (next >= 0 && begins(bytes.toString('utf8', end + 1, next))) return end;
  }
  return -1;
}

/** Cuts a log between records into pieces of about a mebibyte; always in the same places. */
async function* chunks(file: string, begins: (line: string) => boolean): AsyncGenerator<Chunk> {
  let rest = Buffer.alloc(0);
  let firstLine = 1;
  for await (const piece of createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
    rest = Buffer.concat([rest, piece as Buffer]);
    const end = rest.length < CHUNK_BYTES ? -1 : cutAt(rest, begins);
    if (end < 0) continue;
    const payload = rest.subarray(0, end + 1);
    yield { payload, firstLine };
    firstLine += countLines(payload);
    rest = rest.subarray(end + 1);
  }
  if (rest.length > 0) yield { payload: rest, firstLine };
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

async function* fileBatches(bundle: Bundle, file: ShippedFile): AsyncGenerator<BundleBatch> {
  const full = path.join(bundle.directory, file.path);
  const { manifest } = bundle;
  const timezone: Record<string, string> = manifest.timezone === undefined ? {} : { timezone: manifest.timezone };
  const envelope = {
    version: 1 as const,
    cluster: manifest.cluster,
    node: file.node,
    stream: file.path,
    format: file.format,
    epoch: epochOf(await hashOf(full)),
    attributes: { ...timezone, ...file.attributes },
    ...times(file, manifest),
  };
  if (!file.splittable) {
    yield { envelope: { ...envelope, sequence: 0 }, payload: await readFile(full) };
    return;
  }
  let sequence = 0;
  const { format } = file;
  const begins = (line: string) => !isFormat(format) || beginsRecord(format, line);
  for await (const { payload, firstLine } of chunks(full, begins)) {
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
