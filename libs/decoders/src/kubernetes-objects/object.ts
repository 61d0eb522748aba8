import type { KubernetesObject } from '@whydrop/model';
import { isObject, textOf } from '../json.js';
import type { JsonObject } from '../json.js';

/** What is missing for a value to be a Kubernetes object; undefined when it is one. */
export function whyNoObject(value: unknown): string | undefined {
  if (!isObject(value)) return 'The document is no mapping.';
  if (!textOf(value, 'apiVersion')) return 'The document has no apiVersion.';
  if (!textOf(value, 'kind')) return 'The document has no kind.';
  const metadata = value['metadata'];
  if (!isObject(metadata)) return `The ${textOf(value, 'kind')} has no metadata.`;
  return textOf(metadata, 'name') ? undefined : `The ${textOf(value, 'kind')} has no metadata.name.`;
}

/** Whether a value has everything that names an object. */
export function isKubernetesObject(value: unknown): value is KubernetesObject {
  return whyNoObject(value) === undefined;
}

/** Items of a list (`List` or typed: `PodList`); undefined when the value is no list. */
export function listItems(value: unknown): readonly unknown[] | undefined {
  if (!isObject(value) || !(textOf(value, 'kind') ?? '').endsWith('List')) return undefined;
  const items = value['items'];
  if (Array.isArray(items)) return items;
  return items === null || isEmptyList(value) ? [] : undefined;
}

/** A list of nothing may lack `items`; its metadata names no object. */
function isEmptyList(value: JsonObject): boolean {
  const metadata = value['metadata'];
  return !isObject(metadata) || textOf(metadata, 'name') === undefined;
}

/** An item of a typed list with the kind and apiVersion that the API server leaves out there. */
export function typedItem(item: unknown, list: JsonObject): unknown {
  const listKind = textOf(list, 'kind') ?? '';
  if (!isObject(item) || listKind === 'List') return item;
  return { apiVersion: list['apiVersion'], kind: listKind.slice(0, -'List'.length), ...item };
}
