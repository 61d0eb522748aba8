import { countedSentence } from '@whydrop/explain';
import type { ConservationTotalRow, CounterWindowRow } from '@whydrop/storage';
import { partOf, ruleOf } from '../explanation/explanation.view.js';
import type { ConservationTotal, CounterWindow } from './conservation.type.js';

/** A window as the API shows it. */
export function counterWindowOf({ id, facts, ...row }: CounterWindowRow): CounterWindow {
  return { ...row, key: id, chainRule: ruleOf(facts.chainRule), policies: facts.policies.map(partOf) };
}

/** A sum as the API shows it. */
export function conservationTotalOf({ facts, ...row }: ConservationTotalRow): ConservationTotal {
  return {
    ...row,
    chainRule: facts && ruleOf(facts.chainRule),
    policies: facts?.policies.map(partOf) ?? [],
    sentence: facts && countedSentence(facts, row),
  };
}
