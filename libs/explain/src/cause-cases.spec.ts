import { CAUSES } from '@whydrop/model';
import { ARTEFACT_CASES } from './cause-cases-artefact.js';
import { CAUSE_CASES } from './cause-cases.js';
import { answersOf, type CauseCase } from './cause-scene.js';

type Answer = ReturnType<typeof answersOf>[number]['explanation'];

function told({ cause, verdict, basis, contributing }: Answer): string {
  return [`${cause} ${verdict} ${basis}`, ...contributing].join(' + ');
}

function allTold(one: CauseCase): string {
  const answers = answersOf(one).map(({ explanation }) => told(explanation));
  return answers.length === 0 ? 'nothing' : answers.toSorted().join('; ');
}

describe.each(CAUSE_CASES)('$code: $story', (one) => {
  it(`is ${one.finds}`, () => {
    expect(allTold(one)).toBe(one.finds);
  });

  it(`${one.near ? 'is not' : 'is'} told as ${one.code}, and leans on nothing that it does not say`, () => {
    const answers = answersOf(one).map(({ explanation }) => explanation);
    const codes = answers.flatMap(({ cause, contributing }) => [cause, ...contributing]);
    expect(codes.includes(one.code)).toBe(one.near !== true);
    for (const { cause, verdict, basis, assumptions, missing, evidence } of answers) {
      if (cause === 'UNDECIDED' || basis === 'unknown') expect(missing).not.toEqual([]);
      if (basis === 'derived' && verdict === 'dropped') expect([...missing, ...assumptions]).not.toEqual([]);
      expect(evidence).not.toEqual([]);
    }
    if (one.missing !== undefined) expect(answers.flatMap(({ missing }) => missing).join('; ')).toContain(one.missing);
  });
});

describe.each(ARTEFACT_CASES)('$handles: $story', ({ nodes, drops }) => {
  it(`tells ${drops.length} drops`, () => {
    const told = answersOf({ code: 'UNDECIDED', story: '', finds: '', nodes });
    expect(told.map(({ attempts, packets }) => ({ attempts, packets }))).toEqual(drops);
  });
});

it.each(Object.keys(CAUSES))('%s has a case that produces it, and one near it that must not', (code) => {
  const own = CAUSE_CASES.filter((one) => one.code === code);
  expect(own.some(({ near }) => !near)).toBe(true);
  expect(own.some(({ near }) => near)).toBe(true);
});
