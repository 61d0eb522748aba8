import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { DaemonSet, Deployment, StatefulSet } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ClusterRole, ClusterRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { Namespace, Secret, Service, ServiceAccount } from 'kubernetes-models/v1';
import { parseAllDocuments } from 'yaml';
import { CALICO_API_KINDS, CORE_KINDS, OPTIONAL_KINDS } from '../../apps/collector/src/cluster/kinds.js';
import { parseOptions } from '../../apps/collector/src/options.js';

const ROOT = path.resolve(import.meta.dirname, '../../deploy/kubernetes');
const KERNEL_LOG = 'overlays/kernel-log';
const FOLDERS = ['base', 'overlays/example', 'overlays/monitoring', KERNEL_LOG];

interface Container {
  readonly name: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly volumeMounts?: readonly { readonly mountPath: string }[];
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

/** Does what only root may do; outside CI it is left out for others, and false comes back. */
function mayBeRoot(work: () => void): boolean {
  if (process.getuid?.() !== 0 && !process.env['CI']) {
    process.stderr.write('the log of syslog is left out: giving a file away needs root\n');
    return false;
  }
  work();
  return true;
}

const rendered = canRender() || process.env['CI'] ? FOLDERS.map((folder) => ({ folder, objects: render(folder) })) : [];
if (rendered.length === 0) process.stderr.write('deploy/kubernetes is not rendered: kubectl is not installed\n');

const READ = ['get', 'list', 'watch'];
/** Names that no API serves: Calico's API server asks for them before it gives the policies of a tier. */
const TIERED = ['networkpolicies', 'globalnetworkpolicies', 'stagednetworkpolicies', 'stagedglobalnetworkpolicies'].map(
  (resource) => `projectcalico.org/tier.${resource}`,
);
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
  ...TIERED,
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

describe.each(rendered)('deploy/kubernetes/$folder', ({ folder, objects }) => {
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

  it('may read all that the watcher watches, and the policies of every tier', () => {
    const all = permissions(objects).map(({ what, verb }) => `${verb} ${what}`);
    const watched = [...CORE_KINDS, ...OPTIONAL_KINDS, ...CALICO_API_KINDS].map(
      ({ group, plural }) => `${group}/${plural}`,
    );
    const needed = [...watched, ...TIERED].flatMap((what) => READ.map((verb) => `${verb} ${what}`));
    expect(needed.filter((each) => !all.includes(each))).toEqual([]);
  });

  it('reads on a node what its words say: the usual sources, an NFLOG group that is nobody else’s, the kernel log where asked', () => {
    const [collector] = containersOf(objects).filter(({ owner }) => owner === 'whydrop-collector');
    const { env = [], volumeMounts = [] } = collector?.container ?? {};
    const options = parseOptions([], Object.fromEntries(env.map(({ name, value }) => [name, value])));
    expect(options.nflogGroups).toEqual([100]);
    expect(options.read).toEqual(expect.arrayContaining(['conntrack', 'iptables', 'ipset']));
    expect(options.read.includes('kernel')).toBe(folder === KERNEL_LOG);
    expect(volumeMounts.some(({ mountPath }) => mountPath === '/dev/kmsg')).toBe(folder === KERNEL_LOG);
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
      // No runtime lets a container open /dev/kmsg that is not privileged.
      const privileged = owner === 'whydrop-collector' && folder === KERNEL_LOG;
      expect(security).toMatchObject({ allowPrivilegeEscalation: privileged, readOnlyRootFilesystem: true });
      expect(security?.privileged ?? false).toBe(privileged);
      expect(security?.capabilities?.drop).toEqual(['ALL']);
      const added = privileged ? ['NET_ADMIN', 'NET_RAW', 'SYSLOG'] : ['NET_ADMIN', 'NET_RAW'];
      expect(security?.capabilities?.add ?? []).toEqual(owner === 'whydrop-collector' ? added : []);
    }
  });
});

describe('deploy/systemd/whydrop-collector.service', () => {
  const unit = readFileSync(path.resolve(ROOT, '../systemd/whydrop-collector.service'), 'utf8');
  const words = (name: string) =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].flatMap(([, text = '']) => text.split(' '));

  it('lets the collector open what its options name: conntrack, NFLOG, /dev/kmsg, the kernel log of syslog', () => {
    for (const name of ['CapabilityBoundingSet', 'AmbientCapabilities'])
      expect(words(name)).toEqual(['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_SYSLOG']);
    expect(words('SupplementaryGroups')).toEqual(['adm']);
    expect(words('DeviceAllow')).toEqual(['/dev/kmsg', 'r']);
  });

  it('reads a log of syslog with the groups and capabilities that it has, and not without the groups', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-unit-'));
    const log = path.join(folder, 'kern.log');
    try {
      writeFileSync(log, 'DROP', { mode: 0o640 });
      // As syslog makes it: another user's, and of the group adm.
      if (!mayBeRoot(() => execFileSync('chown', ['102:adm', log]))) return;
      const capabilities = words('CapabilityBoundingSet').map((name) => `+${name.replace('CAP_', '').toLowerCase()}`);
      const read = (...groups: readonly string[]) =>
        execFileSync('setpriv', [...groups, `--bounding-set=-all,${capabilities.join(',')}`, 'cat', log], {
          encoding: 'utf8',
          stdio: 'pipe',
        });
      expect(read(`--groups=${words('SupplementaryGroups').join(',')}`)).toBe('DROP');
      expect(() => read('--clear-groups')).toThrow(/Permission denied/);
    } finally {
      rmSync(folder, { recursive: true });
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
