import type { Finding, PolicyDirection, ServiceState } from '@whydrop/model';
import { addressOf, type Address } from '../address.js';
import type { ClusterView } from '../cluster-view.js';
import type { CompiledPolicy } from '../compiled-policy.js';
import type { Connection, End } from '../end.js';
import { selectorMatches, type LabelSelector } from '../label-selector.js';
import type { PolicySet } from '../policy-set.js';
import type { Program } from '../program.js';
import type { Target } from '../services.js';
import type { World } from '../world.js';

/** A finding and the direction it is about; undefined where it is about the policy as a whole. */
export interface DirectedFinding extends Finding {
  readonly direction: PolicyDirection | undefined;
}

/** What a look for mistakes may ask: the cluster as selectors see it now. */
export interface FindingContext {
  readonly view: ClusterView;
  readonly world: World;
  readonly policies: PolicySet;
  /** All pods that policies can select, by namespace. */
  readonly podsOf: (namespace: string) => readonly End[];
  readonly namespaces: () => readonly string[];
  readonly selectedBy: (policy: CompiledPolicy) => readonly End[];
  /** Addresses of pods and nodes. */
  readonly addresses: () => readonly Address[];
  readonly services: () => readonly { readonly service: ServiceState; readonly targets: readonly Target[] }[];
  readonly program: (end: End, direction: PolicyDirection) => Program;
  /** A connection between two ends, to ask single criteria about. */
  readonly connect: (source: End, destination: End, protocol: string, port: number | undefined) => Connection;
}

/** One kind of mistake: how it is found in one policy. */
export interface MistakeCheck {
  readonly code: string;
  readonly find: (policy: CompiledPolicy, context: FindingContext) => readonly DirectedFinding[];
}

/** Namespaces whose labels the selector matches. */
export function namespacesMatching(selector: LabelSelector, context: FindingContext): readonly string[] {
  return context.namespaces().filter((name) => selectorMatches(selector, context.view.namespace(name).labels));
}

/** Pods of these namespaces whose labels the selector matches. */
export function podsMatching(
  selector: LabelSelector,
  namespaces: readonly string[],
  context: FindingContext,
): readonly End[] {
  return namespaces.flatMap((name) => context.podsOf(name).filter((end) => selectorMatches(selector, end.labels)));
}

class Context implements FindingContext {
  private pods: Map<string, End[]> | undefined;
  private readonly selected = new Map<CompiledPolicy, readonly End[]>();
  private names: readonly string[] | undefined;
  private inside: readonly Address[] | undefined;
  private known: ReturnType<FindingContext['services']> | undefined;

  constructor(
    readonly view: ClusterView,
    readonly world: World,
    readonly policies: PolicySet,
    readonly connect: FindingContext['connect'],
    readonly program: FindingContext['program'],
  ) {}

  private byNamespace(): Map<string, End[]> {
    if (this.pods) return this.pods;
    this.pods = new Map();
    for (const pod of this.view.state.pods) {
      if (pod.hostNetwork) continue;
      const of = this.pods.get(pod.namespace) ?? [];
      of.push(this.view.endOfPod(pod));
      this.pods.set(pod.namespace, of);
    }
    return this.pods;
  }

  readonly podsOf = (namespace: string): readonly End[] => this.byNamespace().get(namespace) ?? [];

  readonly namespaces = (): readonly string[] => (this.names ??= this.view.namespaceNames());

  readonly addresses = (): readonly Address[] => {
    const { pods, nodes } = this.view.state;
    this.inside ??= [...pods, ...nodes].flatMap(({ ips }) => ips).flatMap((ip) => addressOf(ip) ?? []);
    return this.inside;
  };

  readonly selectedBy = (policy: CompiledPolicy): readonly End[] => {
    const known = this.selected.get(policy);
    if (known) return known;
    const { namespace } = policy.candidates;
    const candidates = namespace === undefined ? this.namespaces().flatMap(this.podsOf) : this.podsOf(namespace);
    const found = candidates.filter((end) => policy.selects(end, this.world) === true);
    this.selected.set(policy, found);
    return found;
  };

  readonly services = (): ReturnType<FindingContext['services']> =>
    (this.known ??= this.view.state.services.map((service) => ({
      service,
      targets: this.world.services.targets(service),
    })));
}

/** Prepares looking for mistakes in the policies of one state. */
export function findingContext(
  view: ClusterView,
  world: World,
  policies: PolicySet,
  connect: FindingContext['connect'],
  program: FindingContext['program'],
): FindingContext {
  return new Context(view, world, policies, connect, program);
}
