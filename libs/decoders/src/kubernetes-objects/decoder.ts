import type { ObjectChange, Reject } from '@whydrop/model';
import type { Decoder, StreamContext } from '../decoder.js';
import { isObject } from '../json.js';
import { isReject, reject } from '../lines.js';
import { documentsOf } from './documents.js';
import type { ManifestDocument } from './documents.js';
import { isKubernetesObject, listItems, typedItem, whyNoObject } from './object.js';

/** One value that should be an object: a document, or an item of a list. */
export interface ManifestValue {
  readonly value: unknown;
  readonly line: number;
  readonly raw: string;
}

/** Lists are opened, lists in lists too, with a stack of our own: input decides how deep they lie. */
function* objectsOf(document: ManifestDocument): Generator<ManifestValue> {
  const stack: { value: unknown; line: number }[] = [{ value: document.value, line: document.line }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { value, line } = next;
    const items = listItems(value);
    if (items === undefined || !isObject(value)) {
      yield { value, line, raw: document.raw };
      continue;
    }
    const isOuter = value === document.value;
    for (let i = items.length - 1; i >= 0; i--) {
      stack.push({ value: typedItem(items[i], value), line: isOuter ? document.itemLine(i) : line });
    }
  }
}

function* decode(payload: string, context: StreamContext): Generator<ManifestValue | Reject> {
  for (const document of documentsOf(payload, context.firstLine)) {
    if (isReject(document)) yield document;
    else yield* objectsOf(document);
  }
}

function normalise(found: ManifestValue, context: StreamContext): ObjectChange | Reject {
  const { value, line, raw } = found;
  if (!isKubernetesObject(value)) return reject('NOT_KUBERNETES', line, raw, whyNoObject(value) ?? '');
  if (context.observedFrom === undefined) return reject('NO_TIME', line, raw, 'The state of the cluster has no time.');
  return { kind: 'object', type: 'STATE', at: context.observedFrom, object: value, line };
}

export const kubernetesObjects: Decoder<ManifestValue> = {
  format: 'kubernetes-objects',
  doc: 'Kubernetes and Calico objects in YAML or JSON: several documents, `List`, typed lists (`kubectl get -o yaml|json`)',
  decode,
  normalise,
};
