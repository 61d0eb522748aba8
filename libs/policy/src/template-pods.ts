import { podEndpointOf, type KubernetesObject, type PodEndpoint } from '@whydrop/model';
import { groupOf } from './compiled-policy.js';
import { fieldsOf, isFields, scalarText, type Fields } from './yaml-value.js';

/** Kinds that make pods from a template, the most stable name first: where two have one name, the first is meant. */
const WORKLOADS: readonly { readonly kind: string; readonly groups: readonly string[] }[] = [
  { kind: 'Deployment', groups: ['apps', 'extensions'] },
  { kind: 'StatefulSet', groups: ['apps'] },
  { kind: 'DaemonSet', groups: ['apps', 'extensions'] },
  { kind: 'ReplicaSet', groups: ['apps', 'extensions'] },
  { kind: 'ReplicationController', groups: [''] },
  { kind: 'Job', groups: ['batch'] },
  { kind: 'CronJob', groups: ['batch'] },
];

/** Whether objects of this kind make pods from a template. */
export function isWorkload(object: KubernetesObject): boolean {
  return WORKLOADS.some(({ kind, groups }) => kind === object.kind && groups.includes(groupOf(object)));
}

function templateOf(object: KubernetesObject): Fields {
  const spec = fieldsOf(object.spec);
  const job = object.kind === 'CronJob' ? fieldsOf(fieldsOf(spec['jobTemplate'])['spec']) : spec;
  return fieldsOf(job['template']);
}

function stringsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(fieldsOf(value)).map(([key, entry]) => [key, scalarText(entry) ?? '']));
}

/** Old API versions selected by the template's labels when no selector was written; pods have the template's labels. */
function labelsOf(object: KubernetesObject, template: Fields): Record<string, string> {
  const labels = stringsOf(fieldsOf(template['metadata'])['labels']);
  if (object.kind !== 'Job') return labels;
  const { name } = object.metadata;
  return { 'job-name': name, 'batch.kubernetes.io/job-name': name, ...labels };
}

function podOf(object: KubernetesObject): PodEndpoint {
  const template = templateOf(object);
  const { name, namespace, uid, creationTimestamp } = object.metadata;
  const pod = podEndpointOf({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: namespace ?? 'default', labels: labelsOf(object, template) },
    spec: isFields(template['spec']) ? template['spec'] : {},
  });
  const workload = { kind: object.kind, namespace: namespace ?? 'default', name };
  return { ...pod, uid, createdAt: creationTimestamp, workload };
}

/**
 * One pod for every workload, made from its template and named like it, without address or node. A workload whose name
 * a pod (or a workload before it) has already is left out.
 */
export function podsOfTemplates(
  objects: readonly KubernetesObject[],
  pods: readonly PodEndpoint[],
): readonly PodEndpoint[] {
  const taken = new Set(pods.map((pod) => `${pod.namespace}/${pod.name}`));
  const found: PodEndpoint[] = [];
  for (const { kind, groups } of WORKLOADS) {
    for (const object of objects) {
      if (object.kind !== kind || !groups.includes(groupOf(object))) continue;
      const pod = podOf(object);
      if (taken.has(`${pod.namespace}/${pod.name}`)) continue;
      taken.add(`${pod.namespace}/${pod.name}`);
      found.push(pod);
    }
  }
  return found;
}

/** Whether a pod stands for its workload's template. */
export function isTemplatePod(pod: PodEndpoint): boolean {
  return pod.workload.kind !== 'Pod' && pod.workload.name === pod.name;
}
