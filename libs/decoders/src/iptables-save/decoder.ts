import type { Family, Reject, RulesetBackend, RulesetSnapshot, Table } from '@whydrop/model';
import type { Decoder, StreamContext } from '../decoder.js';
import { reject } from '../lines.js';
import { SaveParser } from './parse.js';
import type { SavedChain, SavedRuleset, SavedTable } from './parse.js';

function policyOf(printed: string): 'ACCEPT' | 'DROP' | undefined {
  return printed === 'ACCEPT' || printed === 'DROP' ? printed : undefined;
}

function chainOf(saved: SavedChain): Table['chains'][number] {
  return {
    name: saved.name,
    policy: policyOf(saved.policy),
    counter: saved.counter,
    rules: saved.rules.map((rule, index) => ({
      position: index + 1,
      text: rule.text,
      target: rule.target,
      isGoto: rule.isGoto,
      comments: rule.comments,
      counter: rule.counter,
    })),
  };
}

function tableOf(saved: SavedTable): Table {
  return { name: saved.name, chains: [...saved.chains.values()].map(chainOf) };
}

function backendOf(saved: SavedRuleset, context: StreamContext): RulesetBackend {
  if (saved.backend) return saved.backend;
  return context.attributes['backend'] === 'legacy' ? 'legacy' : 'nft';
}

/** A ruleset of the given family; its time is that of the stream, which was taken before the command ran. */
export function snapshotOf(saved: SavedRuleset, family: Family, context: StreamContext): RulesetSnapshot | Reject {
  const observedAt = context.observedFrom;
  if (observedAt === undefined) return reject('NO_TIME', saved.line, saved.raw, 'The snapshot has no time.');
  return {
    kind: 'ruleset',
    observedAt,
    family,
    backend: backendOf(saved, context),
    otherBackendPresent: saved.otherBackendPresent,
    tables: saved.tables.map(tableOf),
  };
}

export const iptablesSave: Decoder<SavedRuleset> = {
  format: 'iptables-save',
  doc: '`iptables-save`, with or without `-c`, of the nft and the legacy backend (iptables `iptables-save.c`)',
  decode: (payload, context) => new SaveParser().parse(payload, context),
  normalise: (saved, context) => snapshotOf(saved, 'inet', context),
};
