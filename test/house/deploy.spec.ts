import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { DaemonSet, Deployment, StatefulSet } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ClusterRole, ClusterRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { Namespace, Secret, Service, ServiceAccount } from 'kubernetes-models/v1';
import { parseAllDocuments } from 'yaml';

const ROOT = path.resolve(import.meta.dirname, '../../deploy/kubernetes');
const FOLDERS = ['base', 'overlays/example', 'overlays/monitoring'];

interface Container {
  readonly name: string;
  readonly startupProbe?: object;
  readonly livenessProbe?: object;
  readonly readinessProbe?: object;
  readonly resources?: { readonly requests?: object; readonly limits?: object };
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
  };
}

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
  readonly spec?: {
    readonly template?: {
      readonly spec: { readonly hostPID?: boolean; readonly containers: readonly Container[] };
    };
  };
}

/** A model knows the kind's published schema, and says what does not fit. */
type Model = new (data: never) => { validate(): void };

const MODELS: Readonly<Record<string, Model>> = {
  ClusterRole,
  ClusterRoleBinding,
  DaemonSet,
  Deployment,
  Namespace,
  NetworkPolicy,
  PodDisruptionBudget,
  Secret,
  Service,
  ServiceAccount,
  StatefulSet,
};

/** Kinds of the Prometheus Operator, whose schema Kubernetes does not have. */
const FOREIGN = ['PodMonitor'];

/** base64 is printed over several lines, which Kubernetes takes and its schema does not say. */
function unwrapped(object: Rendered & { readonly data?: Readonly<Record<string, string>> }): Rendered {
  if (object.kind !== 'Secret') return object;
  const data = Object.entries(object.data ?? {}).map(([key, value]) => [key, value.replaceAll(/\s/g, '')]);
  return { ...object, data: Object.fromEntries(data) } as Rendered;
}

function render(folder: string): readonly Rendered[] {
  const text = execFileSync('kubectl', ['kustomize', path.join(ROOT, folder)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return parseAllDocuments(text).map((document) => unwrapped(document.toJS() as Rendered));
}

function canRender(): boolean {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const rendered = canRender() || process.env['CI'] ? FOLDERS.map((folder) => ({ folder, objects: render(folder) })) : [];
if (rendered.length === 0) process.stderr.write('deploy/kubernetes is not rendered: kubectl is not installed\n');

const READ = ['get', 'list', 'watch'];
/** Everything the watcher may read, and the reason why each has to be here is that an explanation cites it. */
const READABLE = new Set([
  '/namespaces',
  '/pods',
  '/services',
  '/nodes',
  'discovery.k8s.io/endpointslices',
  'networking.k8s.io/networkpolicies',
  ...['adminnetworkpolicies', 'baselineadminnetworkpolicies', 'clusternetworkpolicies'].map(
    (resource) => `policy.networking.k8s.io/${resource}`,
  ),
  ...['crd.projectcalico.org', 'projectcalico.org'].flatMap((group) =>
    [
      'networkpolicies',
      'globalnetworkpolicies',
      'stagednetworkpolicies',
      'stagedglobalnetworkpolicies',
      'stagedkubernetesnetworkpolicies',
      'tiers',
      'networksets',
      'globalnetworksets',
      'hostendpoints',
      'profiles',
      'ippools',
    ].map((resource) => `${group}/${resource}`),
  ),
]);

function permissions(objects: readonly Rendered[]): readonly { readonly what: string; readonly verb: string }[] {
  return objects
    .flatMap(({ rules = [] }) => rules)
    .flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => ({ what: `${group}/${resource}`, verb }))),
      ),
    );
}

function containersOf(objects: readonly Rendered[]) {
  return objects.flatMap(({ spec, metadata }) =>
    (spec?.template?.spec.containers ?? []).map((container) => ({ owner: metadata.name, container })),
  );
}

describe.each(rendered)('deploy/kubernetes/$folder', ({ objects }) => {
  it('is what Kubernetes takes', () => {
    expect(objects.length).toBeGreaterThan(15);
    for (const object of objects) {
      if (FOREIGN.includes(object.kind)) continue;
      const model = MODELS[object.kind];
      if (!model) throw new Error(`${object.kind} ${object.metadata.name}: no schema to hold it against`);
      expect(() => new model(object as never).validate()).not.toThrow();
    }
  });

  it('lives in one namespace', () => {
    const spaced = objects.filter(({ kind }) => !['Namespace', 'ClusterRole', 'ClusterRoleBinding'].includes(kind));
    expect(new Set(spaced.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['whydrop']));
  });

  it('may read what explanations cite, and nothing else', () => {
    const all = permissions(objects);
    expect(all.length).toBeGreaterThan(30);
    expect(all.filter(({ what, verb }) => !READABLE.has(what) || !READ.includes(verb))).toEqual([]);
  });

  it('asks for what it uses, can be probed, and may do no more than it must', () => {
    const containers = containersOf(objects);
    expect(containers.map(({ owner }) => owner).toSorted()).toEqual([
      'whydrop-api',
      'whydrop-collector',
      'whydrop-watcher',
      'whydrop-worker',
    ]);
    for (const { owner, container } of containers) {
      const { securityContext: security } = container;
      expect(container.startupProbe).toBeDefined();
      expect(container.livenessProbe).toBeDefined();
      expect(container.readinessProbe).toBeDefined();
      expect(container.resources).toMatchObject({
        requests: { cpu: expect.any(String), memory: expect.any(String) },
        limits: { memory: expect.any(String) },
      });
      expect(security).toMatchObject({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true });
      expect(security?.privileged ?? false).toBe(false);
      expect(security?.capabilities?.drop).toEqual(['ALL']);
      expect(security?.capabilities?.add ?? []).toEqual(owner === 'whydrop-collector' ? ['NET_ADMIN', 'NET_RAW'] : []);
    }
  });
});

it('a container without a name, a hidden verb: what is wrong would be seen', () => {
  const broken = { metadata: { name: 'x' }, spec: { selector: {}, template: { spec: { containers: [{}] } } } };
  expect(() => new DaemonSet(broken as never).validate()).toThrow(/name/);
  const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }];
  const [secret] = permissions([{ kind: 'ClusterRole', metadata: { name: 'x' }, rules }]);
  expect(READABLE.has(secret?.what ?? '')).toBe(false);
});
