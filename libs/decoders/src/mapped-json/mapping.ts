import type { FlowVerdict, PolicyDirection } from '@whydrop/model';
import { isObject, parseJson } from '../json.js';
import type { JsonObject } from '../json.js';

/** Fields that a mapping may fill, each with the path of its value in the source's records. */
export const MAPPED_FIELDS = [
  'time',
  'source',
  'sourcePort',
  'destination',
  'destinationPort',
  'protocol',
  'verdict',
  'direction',
  'reason',
  'node',
  'packets',
  'bytes',
  'connections',
  'sourceNamespace',
  'sourcePod',
  'destinationNamespace',
  'destinationPod',
  'policyKind',
  'policyNamespace',
  'policy',
] as const;

export type MappedField = (typeof MAPPED_FIELDS)[number];

/**
 * How records of a source that nobody here knows become flow verdicts. `fields` holds paths: `connection.src_ip`,
 * `policies.0.name`; keys may themselves have dots. `verdicts` and `directions` translate the source's words.
 * `only` lets records through whose values at these paths are equal to the given text.
 */
export interface Mapping {
  readonly fields: Readonly<Partial<Record<MappedField, string>>>;
  readonly verdicts: Readonly<Record<string, FlowVerdict>>;
  readonly directions: Readonly<Record<string, PolicyDirection>>;
  readonly only: Readonly<Record<string, string>>;
}

const NEEDED: readonly MappedField[] = ['time', 'source', 'destination', 'protocol', 'verdict'];
const VERDICTS: ReadonlySet<string> = new Set(['allowed', 'dropped', 'rejected', 'audited', 'unknown']);
const DIRECTIONS: ReadonlySet<string> = new Set(['ingress', 'egress']);

/** A record of texts; undefined when it is none, or a value is not among the allowed ones. */
function texts(value: unknown, allowed?: ReadonlySet<string>): Record<string, string> | undefined {
  if (value === undefined) return {};
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value);
  const fine = entries.every(([, text]) => typeof text === 'string' && (allowed === undefined || allowed.has(text)));
  return fine ? (Object.fromEntries(entries) as Record<string, string>) : undefined;
}

function fieldsOf(value: unknown): Mapping['fields'] | string {
  const fields = texts(value);
  if (!fields) return '"fields" must be an object of paths.';
  const names: readonly string[] = MAPPED_FIELDS;
  const unknown = Object.keys(fields).find((name) => !names.includes(name));
  if (unknown !== undefined) return `"fields.${unknown}" is no field; known are ${MAPPED_FIELDS.join(', ')}.`;
  const missing = NEEDED.find((name) => fields[name] === undefined);
  return missing === undefined ? (fields as Mapping['fields']) : `"fields.${missing}" is needed.`;
}

/** Reads a mapping file (JSON); a sentence that says what is wrong with it when it is none. */
export function parseMapping(text: string): Mapping | string {
  const parsed = parseJson(text);
  if (!isObject(parsed)) return 'The mapping is no JSON object.';
  const fields = fieldsOf(parsed['fields']);
  if (typeof fields === 'string') return fields;
  const verdicts = texts(parsed['verdicts'], VERDICTS);
  if (!verdicts) return `"verdicts" must translate words to ${[...VERDICTS].join(', ')}.`;
  const directions = texts(parsed['directions'], DIRECTIONS);
  if (!directions) return '"directions" must translate words to ingress, egress.';
  const only = texts(parsed['only']);
  if (!only) return '"only" must be an object of texts.';
  return { fields, verdicts: verdicts as Mapping['verdicts'], directions: directions as Mapping['directions'], only };
}

/** A path has no more parts than this. */
const PATH_LIMIT = 32;

function step(holder: unknown, key: string): unknown {
  if (Array.isArray(holder)) return /^\d{1,6}$/.test(key) ? (holder as unknown[])[Number(key)] : undefined;
  return isObject(holder) && Object.hasOwn(holder, key) ? holder[key] : undefined;
}

/** The value at a path. A key may itself have dots: at each object the longest key that fits is taken. */
export function valueAt(record: JsonObject, path: string): unknown {
  const parts = path.split('.', PATH_LIMIT);
  let value: unknown = record;
  for (let i = 0; i < parts.length;) {
    let taken = parts.length - i;
    while (taken > 1 && step(value, parts.slice(i, i + taken).join('.')) === undefined) taken--;
    value = step(value, parts.slice(i, i + taken).join('.'));
    if (value === undefined) return undefined;
    i += taken;
  }
  return value;
}
