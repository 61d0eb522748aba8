import { clusterStateOf, type ClusterState, type KubernetesObject } from '@whydrop/model';
import { isPolicy, isWorkload, podsOfTemplates } from '@whydrop/policy';

const CORE = new Set(['Pod', 'Namespace', 'Service', 'Node', 'Endpoints', 'ServiceAccount']);
const CALICO = new Set(['Tier', 'NetworkSet', 'GlobalNetworkSet', 'HostEndpoint', 'Profile']);

/** Whether an object has a say in what is allowed. */
export function isUsed(object: KubernetesObject): boolean {
  if (object.apiVersion === 'v1' && CORE.has(object.kind)) return true;
  if (/(^|\.)projectcalico\.org\//.test(object.apiVersion) && CALICO.has(object.kind)) return true;
  return object.kind === 'EndpointSlice' || isWorkload(object) || isPolicy(object);
}

/** Whether the object was there at the time: already created, not yet deleted. */
function existedAt(object: KubernetesObject, at: number): boolean {
  const created = Date.parse(object.metadata.creationTimestamp ?? '');
  const deleted = Date.parse(object.metadata.deletionTimestamp ?? '');
  return !(created > at) && !(deleted <= at);
}

/** The cluster that manifests describe: its objects, and a pod for every workload. `at` in milliseconds since 1970. */
export function stateOfManifests(objects: readonly KubernetesObject[], at: number | undefined): ClusterState {
  const present = at === undefined ? objects : objects.filter((object) => existedAt(object, at));
  const state = clusterStateOf(present);
  return { ...state, pods: [...podsOfTemplates(present, state.pods), ...state.pods] };
}
