import type { KubernetesObject } from '@whydrop/model';
import { isFields } from '../yaml-value.js';

/** One operation of a JSON Patch: only adding is needed here. `-` as the last key appends to a list. */
export interface AddOperation {
  readonly op: 'add';
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** A JSON Pointer: `/spec/ingress/0/from/-`. */
export function pointer(path: readonly (string | number)[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function inserted(list: readonly unknown[], key: string | number, value: unknown): readonly unknown[] {
  if (key === '-') return [...list, value];
  const at = Number(key);
  return [...list.slice(0, at), value, ...list.slice(at)];
}

function added(target: unknown, path: readonly (string | number)[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(target)) {
    if (rest.length === 0) return inserted(target, key, value);
    return target.map((item, i) => (i === Number(key) ? added(item, rest, value) : item) as unknown);
  }
  const fields = isFields(target) ? target : {};
  return { ...fields, [key]: added(fields[key], rest, value) };
}

/** The object with the operation applied; the given object stays as it is. */
export function patched(object: KubernetesObject, operation: AddOperation): KubernetesObject {
  return added(object, operation.path, operation.value) as KubernetesObject;
}
