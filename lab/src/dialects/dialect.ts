import type { LabPod, Scenario } from '../scenario.js';

/** What one node is loaded with: input of `ipset restore` and of `iptables-restore`. */
export interface NodeProgram {
  readonly ipsets: string;
  readonly iptables: string;
}

/** How one network plugin writes policies into the kernel. */
export interface Dialect {
  readonly name: string;
  /** Host side of a pod's veth. */
  interfaceOf(pod: LabPod): string;
  program(scenario: Scenario, node: string): NodeProgram;
}
