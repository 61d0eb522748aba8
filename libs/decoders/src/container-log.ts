import { instantFromRfc3339 } from '@whydrop/model';
import type { Instant } from '@whydrop/model';
import { isObject, parseJson, textOf } from './json.js';

/** A line of a container's output without what the runtime put around it. */
export interface ContainerLine {
  /** When the runtime read it; undefined when there was nothing around it. */
  readonly at: Instant | undefined;
  readonly text: string;
}

const CRI = /^(\d{4}-\d{2}-\d{2}T\S{8,24}) (?:std(?:out|err) [FP] )?/;

/** Docker's `json-file`: `{"log":"…\n","stream":"stdout","time":"…"}`. */
function dockerLine(text: string): ContainerLine | undefined {
  if (!text.startsWith('{"log":"')) return undefined;
  const parsed = parseJson(text);
  const log = isObject(parsed) ? textOf(parsed, 'log') : undefined;
  if (!isObject(parsed) || log === undefined) return undefined;
  return { at: instantFromRfc3339(textOf(parsed, 'time') ?? ''), text: log.replace(/\n$/, '') };
}

/** Takes the wrapping of CRI (`TIME stdout F …`), of `kubectl logs --timestamps` (`TIME …`) or of Docker off. */
export function containerLine(text: string): ContainerLine {
  const docker = dockerLine(text);
  if (docker) return docker;
  const cri = CRI.exec(text);
  const at = instantFromRfc3339(cri?.[1] ?? '');
  return cri && at !== undefined ? { at, text: text.slice(cri[0].length) } : { at: undefined, text };
}
