import { registerEnumType } from '@nestjs/graphql';
import { ALERT_RULE_KINDS, DIMENSIONS, MEASURES } from '@whydrop/alerting';

const same = <Name extends string>(names: readonly Name[]) => Object.fromEntries(names.map((name) => [name, name]));
const upper = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(), name]));

function enumOf(name: string, values: Record<string, string>, docs: Readonly<Record<string, string>> = {}) {
  const valuesMap = Object.fromEntries(Object.entries(docs).map(([value, description]) => [value, { description }]));
  registerEnumType(values, { name, valuesMap });
  return values;
}

export const AlertRuleKindEnum = enumOf('AlertRuleKind', same(ALERT_RULE_KINDS), {
  THRESHOLD: 'More than so many in a window.',
  SPIKE: 'More than is usual for the series.',
  NEW_PAIR: 'Ends that were never blocked from each other before.',
  SILENCE: 'A series that always counted something counts nothing.',
  DRIFT: 'A node does not run what was written.',
  COLLECTOR_GAP: 'A node that was alive sends nothing.',
});
export const AlertStateEnum = enumOf('AlertState', upper(['pending', 'firing', 'resolved']), {
  PENDING: 'The condition holds, for less long than the rule asks for.',
  FIRING: 'It holds.',
  RESOLVED: 'It is over.',
});
export const SeverityEnum = enumOf('AlertSeverity', upper(['critical', 'warning', 'info']));
export const AlertDimensionEnum = enumOf('AlertDimension', upper(DIMENSIONS));
export const MeasureEnum = enumOf('AlertMeasure', upper(MEASURES));
export const RuleSourceEnum = enumOf('AlertRuleSource', upper(['shipped', 'file', 'api']), {
  SHIPPED: 'It came with Whydrop.',
  FILE: 'It stands in the file of the server.',
  API: 'Somebody made it here.',
});
