import type { LabPod, Scenario } from '../scenario.js';
import type { Tables } from './tables.js';

export interface Ipset {
  readonly name: string;
  /** Type and options as `ipset create` takes them. */
  readonly create: string;
  /** Each as `ipset add` takes it, options included. Members of a list:set are names of earlier sets. */
  readonly members: readonly string[];
}

/** What one node is loaded with. */
export interface NodeProgram {
  readonly ipsets: readonly Ipset[];
  readonly tables: Tables;
}

/** How pods hang on a node. */
export type Attachment =
  /** A /32 each behind its own veth, reached by host routes: Calico, Azure. */
  | { readonly kind: 'routed' }
  /** A bridge per node with the first address of the node's pod network; the nodes route to each other's. */
  | { readonly kind: 'bridge'; readonly bridge: string }
  /** A bridge per node, all joined into one network through a port. */
  | { readonly kind: 'overlay'; readonly bridge: string; readonly port: string };

/** How one network plugin writes policies into the kernel. */
export interface Dialect {
  /** The plugin, as bundle.yaml names it. */
  readonly name: string;
  readonly attachment: Attachment;
  /** Host side of a pod's veth. */
  interfaceOf(pod: LabPod): string;
  program(scenario: Scenario, node: string): NodeProgram;
  /** Groups of NFLOG rules. */
  readonly nflogGroups: readonly number[];
  /** What the plugin's own program makes of its NFLOG group; then the raw log is not in the bundle. */
  readonly digest?: 'weave-npc';
  /** Rewrites the whole table at each change, other owners' chains and all counters included. */
  readonly rewritesWholeTable?: boolean;
}
