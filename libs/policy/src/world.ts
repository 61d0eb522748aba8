import type { KubernetesObject } from '@whydrop/model';
import { addressOf, contains, networkOf, type Address, type Network } from './address.js';
import type { ClusterView } from './cluster-view.js';
import { isCalico } from './tiers.js';
import type { End } from './end.js';
import type { Labels } from './label-selector.js';
import { matches, type Selector } from './selector/selector.js';
import { servicesOf, type Services } from './services.js';
import type { Tri } from './tri.js';
import { fieldsOf, labelMap, scalarText, wholeNumber } from './yaml-value.js';

/** Addresses that Calico policies know by labels. */
export interface NetworkSet {
  readonly name: string;
  readonly labels: Labels;
  readonly nets: readonly Network[];
}

/** An interface of a node that Calico policies apply to. */
export interface HostEndpoint {
  readonly name: string;
  readonly node: string | undefined;
  readonly interfaceName: string | undefined;
  readonly ips: readonly Address[];
  /** The same addresses as networks of one. */
  readonly networks: readonly Network[];
  readonly profiles: readonly string[];
  readonly labels: Labels;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
}

/** Gives the addresses of an end that is compared with these networks. */
export type AddressesOf = (networks: readonly Network[]) => readonly Address[] | undefined;

/** What Calico's selectors can see of the cluster beyond one end: labels by inheritance, network sets, host endpoints. */
export interface World {
  readonly services: Services;
  /** Labels of the end as an endpoint of Calico: pods have some by inheritance; nothing else has any. */
  readonly labelsOf: (end: End) => Labels | undefined;
  /** Whether an address of the end belongs to an endpoint or network set that matches. */
  readonly inSelector: (selector: Selector, end: End, ips: AddressesOf) => Tri;
  /** The host endpoint that governs traffic from and to the end itself. */
  readonly hostEndpoint: (end: End) => HostEndpoint | undefined;
  readonly hostEndpointsOfNode: (node: string) => readonly HostEndpoint[];
}

const NAMESPACE = 'projectcalico.org/namespace';

interface Fixed {
  readonly sets: readonly (NetworkSet & { readonly namespace: string | undefined })[];
  readonly hostEndpoints: readonly HostEndpoint[];
  readonly serviceAccounts: ReadonlyMap<string, Labels>;
  readonly profiles: ReadonlyMap<string, Labels>;
}

function netsOf(object: KubernetesObject): readonly Network[] {
  const nets = fieldsOf(object.spec)['nets'];
  return Array.isArray(nets) ? nets.flatMap((net) => networkOf(scalarText(net) ?? '') ?? []) : [];
}

function hostEndpointOf(object: KubernetesObject): HostEndpoint {
  const spec = fieldsOf(object.spec);
  const list = (key: string): readonly unknown[] => (Array.isArray(spec[key]) ? spec[key] : []);
  return {
    name: object.metadata.name,
    node: scalarText(spec['node']) || undefined,
    interfaceName: scalarText(spec['interfaceName']) || undefined,
    ips: list('expectedIPs').flatMap((ip) => addressOf(scalarText(ip) ?? '') ?? []),
    networks: list('expectedIPs').flatMap((ip) => networkOf(scalarText(ip) ?? '') ?? []),
    profiles: list('profiles').flatMap((name) => scalarText(name) ?? []),
    labels: labelMap(object.metadata.labels),
    ports: list('ports').map((entry) => {
      const port = fieldsOf(entry);
      const protocol = (scalarText(port['protocol']) ?? 'TCP').toUpperCase();
      return { name: scalarText(port['name']) ?? '', port: wholeNumber(port['port']) ?? 0, protocol };
    }),
  };
}

function fixedOf(objects: readonly KubernetesObject[]): Fixed {
  const calico = objects.filter(isCalico);
  const named = (kind: string): readonly KubernetesObject[] => calico.filter((object) => object.kind === kind);
  const set = (object: KubernetesObject, namespace: string | undefined): Fixed['sets'][number] => ({
    name: object.metadata.name,
    namespace,
    labels: labelMap(object.metadata.labels),
    nets: netsOf(object),
  });
  const accounts = objects.filter(({ kind, apiVersion }) => kind === 'ServiceAccount' && apiVersion === 'v1');
  return {
    sets: [
      ...named('GlobalNetworkSet').map((object) => set(object, undefined)),
      ...named('NetworkSet').map((object) => set(object, object.metadata.namespace ?? 'default')),
    ],
    hostEndpoints: named('HostEndpoint')
      .map(hostEndpointOf)
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    serviceAccounts: new Map(
      accounts.map(({ metadata }) => [
        `${metadata.namespace ?? 'default'}/${metadata.name}`,
        labelMap(metadata.labels),
      ]),
    ),
    profiles: new Map(
      named('Profile').map((object) => [object.metadata.name, labelMap(fieldsOf(object.spec)['labelsToApply'])]),
    ),
  };
}

const fixed = new WeakMap<readonly KubernetesObject[], Fixed>();

function fixedFor(objects: readonly KubernetesObject[]): Fixed {
  const known = fixed.get(objects) ?? fixedOf(objects);
  fixed.set(objects, known);
  return known;
}

class CalicoWorld implements World {
  private readonly fixed: Fixed;
  private readonly labels = new Map<number, Labels>();
  private readonly sets: readonly NetworkSet[];
  private readonly matchingSets = new Map<Selector, readonly NetworkSet[]>();
  private readonly matchingHosts = new Map<Selector, readonly HostEndpoint[]>();
  private index: Services | undefined;

  constructor(private readonly view: ClusterView) {
    this.fixed = fixedFor(view.state.others);
    this.sets = this.fixed.sets.map((set) => ({ ...set, labels: this.labelsOfSet(set) }));
  }

  get services(): Services {
    return (this.index ??= servicesOf(this.view.state));
  }

  readonly labelsOf = (end: End): Labels | undefined => {
    if (end.kind !== 'pod') return undefined;
    const known = this.labels.get(end.classId) ?? this.labelsOfPod(end);
    this.labels.set(end.classId, known);
    return known;
  };

  readonly inSelector = (selector: Selector, end: End, ips: AddressesOf): Tri => {
    const labels = this.labelsOf(end);
    if (labels && matches(selector, labels)) return true;
    const sets = this.setsMatching(selector);
    const hosts = this.hostsMatching(selector);
    if (sets.length === 0 && hosts.length === 0) return false;
    const own = ips([...sets.flatMap(({ nets }) => nets), ...hosts.flatMap((host) => host.networks)]);
    if (!own) return undefined;
    return own.some(
      (ip) =>
        sets.some(({ nets }) => nets.some((net) => contains(net, ip))) ||
        hosts.some((host) => host.ips.some((one) => one.text === ip.text)),
    );
  };

  readonly hostEndpoint = (end: End): HostEndpoint | undefined => {
    if (end.kind === 'pod' || this.fixed.hostEndpoints.length === 0) return undefined;
    const texts = new Set(end.ips?.map(({ text }) => text));
    const byAddress = this.fixed.hostEndpoints.find(({ ips }) => ips.some(({ text }) => texts.has(text)));
    return byAddress ?? (end.node === undefined ? undefined : this.hostEndpointsOfNode(end.node)[0]);
  };

  readonly hostEndpointsOfNode = (node: string): readonly HostEndpoint[] =>
    this.fixed.hostEndpoints.filter((host) => host.node === node);

  private setsMatching(selector: Selector): readonly NetworkSet[] {
    const known = this.matchingSets.get(selector) ?? this.sets.filter(({ labels }) => matches(selector, labels));
    this.matchingSets.set(selector, known);
    return known;
  }

  private hostsMatching(selector: Selector): readonly HostEndpoint[] {
    const all = this.fixed.hostEndpoints.filter(({ ips }) => ips.length > 0);
    const known = this.matchingHosts.get(selector) ?? all.filter(({ labels }) => matches(selector, labels));
    this.matchingHosts.set(selector, known);
    return known;
  }

  private namespaceLabels(namespace: string): readonly [string, string][] {
    const profile = this.fixed.profiles.get(`kns.${namespace}`) ?? new Map<string, string>();
    const own = [...this.view.namespace(namespace).labels].map(([key, value]): [string, string] => [
      `pcns.${key}`,
      value,
    ]);
    return [...profile, ...own, ['pcns.projectcalico.org/name', namespace]];
  }

  private accountLabels(namespace: string, account: string): readonly [string, string][] {
    const profile = this.fixed.profiles.get(`ksa.${namespace}.${account}`) ?? new Map<string, string>();
    const own = this.fixed.serviceAccounts.get(`${namespace}/${account}`) ?? new Map<string, string>();
    const prefixed = [...own].map(([key, value]): [string, string] => [`pcsa.${key}`, value]);
    return [...profile, ...prefixed, ['pcsa.projectcalico.org/name', account]];
  }

  private labelsOfPod(end: End): Labels {
    const namespace = end.namespace?.name ?? 'default';
    const account = end.pod?.serviceAccount ?? 'default';
    const own = [...end.labels].filter(([key]) => !key.startsWith('pcns.') && !key.startsWith('pcsa.'));
    return new Map<string, string>([
      ...this.namespaceLabels(namespace),
      ...this.accountLabels(namespace, account),
      ...own,
      [NAMESPACE, namespace],
      ['projectcalico.org/orchestrator', 'k8s'],
      ['projectcalico.org/serviceaccount', account],
    ]);
  }

  private labelsOfSet(set: Fixed['sets'][number]): Labels {
    if (set.namespace === undefined) return set.labels;
    return new Map([...this.namespaceLabels(set.namespace), ...set.labels, [NAMESPACE, set.namespace]]);
  }
}

/** The world of one cluster state, as Calico sees it. */
export function worldOf(view: ClusterView): World {
  return new CalicoWorld(view);
}
