import { instantFromRfc3339 } from '@whydrop/model';
import type { ObjectChange, Reject } from '@whydrop/model';
import type { Decoder } from '../decoder.js';
import { isObject, parseJson, textOf } from '../json.js';
import type { JsonObject } from '../json.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { isKubernetesObject, whyNoObject } from '../kubernetes-objects/object.js';

/** One line of the watch. */
export interface WatchLine {
  readonly event: JsonObject;
  readonly raw: string;
  readonly line: number;
}

const TYPES: ReadonlySet<string> = new Set(['STATE', 'ADDED', 'MODIFIED', 'DELETED']);

function isChange(type: string | undefined): type is ObjectChange['type'] {
  return type !== undefined && TYPES.has(type);
}

function readLine(line: Line): WatchLine | Reject {
  const event = parseJson(line.text);
  if (isObject(event)) return { event, raw: line.text, line: line.number };
  const cut = line.text.startsWith('{') && !line.text.trimEnd().endsWith('}');
  return reject(cut ? 'TRUNCATED' : 'UNKNOWN_SYNTAX', line.number, line.text, 'Expected one JSON object.');
}

function normalise(read: WatchLine): ObjectChange | Reject {
  const { event, raw, line } = read;
  const type = textOf(event, 'type');
  const object = event['object'];
  const at = instantFromRfc3339(textOf(event, 'at') ?? '');
  if (type === undefined) return reject('MISSING_FIELD', line, raw, 'Expected "type".');
  if (!isChange(type)) return reject('UNSUPPORTED', line, raw, `Events of type ${type.slice(0, 40)} change no object.`);
  if (at === undefined) return reject('NO_TIME', line, raw, 'Expected "at" as an RFC 3339 time.');
  if (!isKubernetesObject(object)) return reject('NOT_KUBERNETES', line, raw, whyNoObject(object) ?? '');
  return { kind: 'object', type, at, object, line };
}

export const kubernetesEvents: Decoder<WatchLine> = {
  format: 'kubernetes-events',
  doc: 'changes of Kubernetes objects, one `{"at","type","object"}` per line, as the watcher saw them',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise,
};
