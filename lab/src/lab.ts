import type { Dialect, NodeProgram } from './dialects/dialect.js';
import { dialectNamed } from './dialects/registry.js';
import { buildFabric, partyKey, type Fabric } from './fabric.js';
import { load, reload } from './programming.js';
import type { Attempt, LabPolicy, Party, PartyCommand, PolicyChange, Scenario, Target } from './scenario.js';
import { requireTools, run } from './shell.js';
import { TrafficAgent, type TrafficRequest, type TrafficResult } from './traffic.js';

/** An attempt that was made, and what the client saw of it. */
export interface Made {
  readonly attempt: Attempt;
  readonly sourceIp: string;
  readonly destinationIp: string;
  readonly answer: TrafficResult;
}

function ipOf(scenario: Scenario, target: Target): string {
  if (target.kind === 'address') return target.ip;
  if (target.kind === 'node') return scenario.nodes.find((node) => node.name === target.name)?.ip ?? '';
  if (target.kind === 'outside') return scenario.outside?.find((each) => each.name === target.name)?.ip ?? '';
  const same = (each: { readonly namespace: string; readonly name: string }) =>
    each.namespace === target.namespace && each.name === target.name;
  if (target.kind === 'service') return scenario.services.find(same)?.clusterIp ?? '';
  return scenario.pods.find(same)?.ip ?? '';
}

/** Name of a party or target as truth.jsonl has it: `ns/pod`, `service ns/name`, `node n1`, an address. */
export function nameOf(target: Target): string {
  if (target.kind === 'address') return target.ip;
  if (target.kind === 'service') return `service ${target.namespace}/${target.name}`;
  return target.kind === 'pod' ? `${target.namespace}/${target.name}` : partyKey(target);
}

function requestOf(scenario: Scenario, attempt: Attempt): TrafficRequest {
  const kind = attempt.flags ? 'segment' : ({ TCP: 'tcp', UDP: 'udp', ICMP: 'icmp' } as const)[attempt.protocol];
  return {
    kind,
    to: ipOf(scenario, attempt.to),
    timeout: attempt.timeout ?? 3.5,
    ...(attempt.port === undefined ? {} : { port: attempt.port }),
    ...(attempt.flags ? { flags: attempt.flags } : {}),
    ...(attempt.connection ? { connection: attempt.connection } : {}),
    ...(attempt.sourcePort === undefined ? {} : { sourcePort: attempt.sourcePort }),
  };
}

const samePolicy = (a: { readonly namespace?: string; readonly name: string }, b: LabPolicy): boolean =>
  a.name === b.name && a.namespace === b.namespace;

/** A lab that is built and loaded: traffic can be made in it, policies can be changed. */
export class Lab {
  private readonly agents = new Map<string, TrafficAgent>();
  private readonly programs = new Map<string, NodeProgram>();
  private policies: readonly LabPolicy[];

  private constructor(
    readonly scenario: Scenario,
    private readonly dialect: Dialect,
    readonly fabric: Fabric,
  ) {
    this.policies = scenario.programmed ?? scenario.policies;
  }

  /** Builds the namespaces, loads the rules and starts the listeners. The caller closes it, whatever happens. */
  static async open(scenario: Scenario): Promise<Lab> {
    requireTools();
    const dialect = dialectNamed(scenario.dialect);
    const lab = new Lab(scenario, dialect, buildFabric(scenario, dialect));
    try {
      for (const node of scenario.nodes) lab.program(node.name);
      lab.run(scenario.setup ?? []);
      await lab.listen();
    } catch (error) {
      await lab.close();
      throw error;
    }
    return lab;
  }

  get nflogGroups(): readonly number[] {
    return this.scenario.withoutNflog ? [] : this.dialect.nflogGroups;
  }

  get digest(): Dialect['digest'] {
    return this.dialect.digest;
  }

  private program(node: string): void {
    const namespace = this.fabric.namespaceOf({ kind: 'node', name: node });
    const before = this.programs.get(node);
    const now = this.dialect.program(this.current, node);
    this.programs.set(node, now);
    if (before) reload(namespace, this.dialect, before, now);
    else load(namespace, now);
  }

  /** Changes policies and programs every node anew. */
  change({ apply = [], remove = [] }: PolicyChange): void {
    const kept = this.policies.filter((policy) => ![...apply, ...remove].some((each) => samePolicy(each, policy)));
    this.policies = [...kept, ...apply];
    for (const node of this.scenario.nodes) this.program(node.name);
  }

  run(commands: readonly PartyCommand[]): void {
    for (const { on, line } of commands) run(this.fabric.namespaceOf(on), ['sh', '-c', line]);
  }

  /** The scenario with the policies as they are now. */
  get current(): Scenario {
    return { ...this.scenario, policies: this.policies };
  }

  policy(name: { readonly namespace?: string; readonly name: string }): LabPolicy | undefined {
    return this.policies.find((policy) => samePolicy(name, policy));
  }

  private async listen(): Promise<void> {
    const pods = this.scenario.pods.map(
      ({ namespace, name, ports, listens }) => [{ kind: 'pod', namespace, name } as const, listens ?? ports] as const,
    );
    const machines = (this.scenario.outside ?? []).map(
      ({ name, listens }) => [{ kind: 'outside', name } as const, listens ?? []] as const,
    );
    for (const [party, ports] of [...pods, ...machines]) {
      for (const { port, protocol = 'TCP', manner } of ports) {
        await this.agent(party).ask({ kind: 'listen', protocol, port, ...(manner ? { manner } : {}) });
      }
    }
  }

  private agent(party: Party): TrafficAgent {
    const name = this.fabric.namespaceOf(party);
    const agent = this.agents.get(name) ?? new TrafficAgent(name);
    this.agents.set(name, agent);
    return agent;
  }

  async attempt(attempt: Attempt): Promise<Made> {
    const answer = await this.agent(attempt.from).ask(requestOf(this.scenario, attempt));
    const sourceIp = ipOf(this.scenario, attempt.from);
    return { attempt, sourceIp, destinationIp: ipOf(this.scenario, attempt.to), answer };
  }

  async close(): Promise<void> {
    await Promise.all([...this.agents.values()].map((agent) => agent.stop()));
    this.fabric.remove();
  }
}
