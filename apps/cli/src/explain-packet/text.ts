import type { PolicyRef, RulesetSnapshot } from '@whydrop/model';
import {
  OWNER_ROLES,
  type OwnerIndex,
  type RuleOwner,
  type WalkOutcome,
  type WalkPacket,
  type WalkResult,
  type WalkStep,
} from '@whydrop/ruleset';
import type { AskedPacket } from './packet.js';

const VERDICTS: Readonly<Record<WalkOutcome['verdict'], string>> = {
  accept: 'let through',
  drop: 'dropped',
  reject: 'rejected',
  queue: 'handed to a program (NFQUEUE)',
  unknown: 'not known',
};

function policyText({ kind, namespace, name }: PolicyRef): string {
  return `${kind} ${namespace === null ? name : `${namespace}/${name}`}`;
}

/** Who wrote a rule and for what, in one line. */
function ownerText(owner: RuleOwner): string {
  const parts = [`${owner.plugin}: ${OWNER_ROLES[owner.role]}`];
  if (owner.workload) parts.push(`pod ${owner.workload.namespace}/${owner.workload.pod}`);
  else if (owner.interface !== undefined) parts.push(`interface ${owner.interface}`);
  if (owner.direction) parts.push(owner.direction);
  if (owner.tier !== undefined) parts.push(`tier ${owner.tier}`);
  if (owner.service) parts.push(`service ${owner.service.namespace}/${owner.service.name}`);
  const policies = owner.policies.map(policyText).join(', ');
  if (policies !== '') parts.push(owner.policyRule === undefined ? policies : `${policies} rule ${owner.policyRule}`);
  return parts.join(', ');
}

function ends({ tuple, inInterface, outInterface, ctstate }: WalkPacket): string {
  const end = (ip: string, port: number | undefined) =>
    port === undefined ? ip : ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
  const icmp = tuple.icmp ? ` type ${tuple.icmp.type} code ${tuple.icmp.code}` : '';
  const way = [inInterface ? `in ${inInterface}` : '', outInterface ? `out ${outInterface}` : ''].filter(
    (part) => part !== '',
  );
  const ip = `${end(tuple.source, tuple.sourcePort)} -> ${end(tuple.destination, tuple.destinationPort)}`;
  return [`${tuple.protocol} ${ip}${icmp}`, ...way, ctstate].join(', ');
}

function stepLine({ table, chain, position, text, matched }: WalkStep): string {
  const doubt = matched === 'maybe' ? ' (if it matches)' : matched === 'no' ? ' (no match)' : '';
  return `  ${table} ${chain}${position === 0 ? '' : ` ${position}`}: ${text}${doubt}\n`;
}

/** Describes how packets meet one ruleset, with the owner of each rule on the way. */
export class WalkText {
  readonly #ruleset: RulesetSnapshot;
  readonly #owners: OwnerIndex;

  constructor(ruleset: RulesetSnapshot, owners: OwnerIndex) {
    this.#ruleset = ruleset;
    this.#owners = owners;
  }

  owner({ table, chain, rule }: Pick<WalkStep, 'table' | 'chain' | 'rule'>): RuleOwner | undefined {
    return this.#owners.ownerOf(this.#ruleset, table, chain, rule);
  }

  #steps(path: readonly WalkStep[]): string {
    return path
      .map((step) => {
        const owner = step.rule && this.owner(step);
        return stepLine(step) + (owner ? `      ${ownerText(owner)}\n` : '');
      })
      .join('');
  }

  #outcome(outcome: WalkOutcome): string {
    const owner = this.owner(outcome);
    const place =
      outcome.text === ''
        ? ''
        : ` by ${outcome.table} ${outcome.chain}${outcome.position === 0 ? '' : ` rule ${outcome.position}`}`;
    const said = outcome.text === '' ? '' : `  ${outcome.text}\n`;
    return `${VERDICTS[outcome.verdict]}${place}\n${said}${owner && outcome.text !== '' ? `  ${ownerText(owner)}\n` : ''}`;
  }

  #open(result: WalkResult): string {
    const ways = result.outcomes.map((outcome) => {
      const assuming = outcome.assuming.length === 0 ? '' : `if ${outcome.assuming.join(' and ')}:\n`;
      return `${assuming}${this.#steps(outcome.path)}=> ${this.#outcome(outcome)}`;
    });
    return `It is open; to decide it needs: ${result.missing.join(', ')}.\n\n${ways.join('\n')}`;
  }

  /** The whole answer. */
  answer({ packet, assumptions }: AskedPacket, result: WalkResult): string {
    const taken = assumptions.length === 0 ? '' : `taken for granted: ${assumptions.join('; ')}\n`;
    const [only] = result.outcomes;
    const body = result.certain && only ? `${this.#steps(only.path)}=> ${this.#outcome(only)}` : this.#open(result);
    return `${ends(packet)}\n${taken}${body}`;
  }

  /** The same for programs. */
  json(result: WalkResult): object {
    const step = ({ table, chain, position, text, matched, rule }: WalkStep) => ({
      table,
      chain,
      position,
      text,
      matched,
      owner: (rule && this.owner({ table, chain, rule })) ?? null,
    });
    return {
      certain: result.certain,
      missing: result.missing,
      outcomes: result.outcomes.map((outcome) => ({
        verdict: outcome.verdict,
        table: outcome.table,
        chain: outcome.chain,
        position: outcome.position,
        text: outcome.text,
        owner: this.owner(outcome) ?? null,
        assuming: outcome.assuming,
        path: outcome.path.map(step),
      })),
    };
  }
}
