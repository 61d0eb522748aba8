import { decodeStream, isReject } from '@whydrop/decoders';
import type { KubernetesObject } from '@whydrop/model';
import { isPolicy } from '@whydrop/policy';
import { badInput } from '../server/graphql-error.js';

const CONTEXT = { observedFrom: 0, observedTo: undefined, firstLine: 1, attributes: {} };

/** Kinds that live in no namespace, whatever is written in them. */
const CLUSTER_WIDE = /^(Staged)?Global|^(Baseline)?AdminNetworkPolicy$|^ClusterNetworkPolicy$/;

function placed(object: KubernetesObject): KubernetesObject {
  if (CLUSTER_WIDE.test(object.kind)) return object;
  return { ...object, metadata: { ...object.metadata, namespace: object.metadata.namespace ?? 'default' } };
}

/** Policies of a text in YAML or JSON; throws BAD_USER_INPUT with the line of what is none. */
export function policiesIn(argument: string, text: string): readonly KubernetesObject[] {
  const found: KubernetesObject[] = [];
  for (const each of decodeStream('kubernetes-objects', text, CONTEXT)) {
    if (isReject(each)) throw badInput(`${argument}, line ${each.line}: ${each.detail}`);
    if (each.kind !== 'object') continue;
    const { object, line } = each;
    if (!isPolicy(object)) throw badInput(`${argument}, line ${line}: ${object.kind} is no policy that is known`);
    found.push(placed(object));
  }
  return found;
}
