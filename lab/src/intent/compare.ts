import { clusterStateOf, type ConnectionEnd, type KubernetesObject } from '@whydrop/model';
import { createPolicyEngine, type PolicyEngine } from '@whydrop/policy';
import { Random } from '../../verify/random.js';
import { clusterObjects } from '../cluster-objects.js';
import { Lab, nameOf } from '../lab.js';
import type { Attempt, LabPolicy, Party, Scenario } from '../scenario.js';
import { emptyCluster, everybodyTries, randomPolicy } from './random-policies.js';

/** How many connections were tried, how many the policies deny, and where the kernel did something else. */
export interface Comparison {
  readonly tried: number;
  readonly denied: number;
  readonly disagreements: readonly string[];
}

function engineOf(scenario: Scenario): PolicyEngine {
  const objects = [...clusterObjects(scenario, '2026-01-01T00:00:00Z').values()].flat();
  return createPolicyEngine(clusterStateOf(objects as unknown as readonly KubernetesObject[]));
}

function endOf(scenario: Scenario, party: Party): ConnectionEnd {
  if (party.kind === 'pod') return { kind: 'pod', namespace: party.namespace, name: party.name };
  const machines = party.kind === 'node' ? scenario.nodes : (scenario.outside ?? []);
  return { kind: 'address', ip: machines.find((machine) => machine.name === party.name)?.ip ?? '' };
}

function verdictOf(engine: PolicyEngine, scenario: Scenario, { from, to, protocol, port }: Attempt) {
  if (to.kind === 'service' || to.kind === 'address') throw new Error('only parties are asked here');
  const ends = { source: endOf(scenario, from), destination: endOf(scenario, to) };
  return engine.verdict({ ...ends, protocol, port });
}

async function passes(lab: Lab, attempt: Attempt): Promise<boolean> {
  const { result } = (await lab.attempt(attempt)).answer;
  return result === 'connected' || result === 'answered';
}

interface Disagreement {
  readonly attempt: Attempt;
  readonly verdict: string;
}

/** A client that was only slow is asked again, alone and with patience. */
async function disagreement(
  lab: Lab,
  engine: PolicyEngine,
  attempt: Attempt,
  passed: boolean,
): Promise<Disagreement | undefined> {
  const verdict = verdictOf(engine, lab.current, attempt);
  if ((verdict === 'allowed') === passed) return undefined;
  if ((verdict === 'allowed') === (await passes(lab, { ...attempt, timeout: 2.5 }))) return undefined;
  return { attempt, verdict };
}

function describe(dialect: string, { attempt, verdict }: Disagreement, policies: readonly LabPolicy[]): string {
  const { from, to, protocol, port } = attempt;
  const says = `policies: ${verdict}, kernel: ${verdict === 'allowed' ? 'stopped it' : 'let it through'}`;
  return `${dialect}: ${nameOf(from)} -> ${nameOf(to)}:${port ?? ''}/${protocol}: ${says}\n${JSON.stringify(policies)}`;
}

/** Draws policies, programs them in one dialect, and lets every pod try every other; `rounds` times. */
export async function compareIntent(dialect: string, seed: number, rounds: number): Promise<Comparison> {
  const random = new Random(seed);
  const lab = await Lab.open(emptyCluster(dialect));
  let tried = 0;
  let denied = 0;
  const disagreements: string[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      const policies = Array.from({ length: random.integer(2, 6) }, (_, index) => randomPolicy(random, dialect, index));
      lab.change({ remove: lab.current.policies, apply: policies });
      const engine = engineOf(lab.current);
      const attempts = everybodyTries(random, lab.scenario);
      const passed = await Promise.all(attempts.map((attempt) => passes(lab, attempt)));
      for (const [index, attempt] of attempts.entries()) {
        const found = await disagreement(lab, engine, attempt, passed[index] ?? false);
        if (found) disagreements.push(describe(dialect, found, policies));
        tried += 1;
        denied += verdictOf(engine, lab.current, attempt) === 'allowed' ? 0 : 1;
      }
    }
  } finally {
    await lab.close();
  }
  return { tried, denied, disagreements };
}
