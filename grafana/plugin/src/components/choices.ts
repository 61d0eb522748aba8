import type { ComboboxOption } from '@grafana/ui';
import { plain } from '../frames/words';
import {
  type Comparison,
  type ConditionName,
  type Dimension,
  DIMENSIONS,
  type Measure,
  MEASURES,
  type QueryKind,
} from '../types';

export const KINDS: ComboboxOption<QueryKind>[] = [
  { value: 'trend', label: 'Trend', description: 'Blocked connections over time' },
  { value: 'top', label: 'Top blocked', description: 'What blocked most, as a table' },
  { value: 'drops', label: 'Blocked connections', description: 'One by one, each with its explanation' },
  { value: 'graph', label: 'Who from whom', description: 'For the node graph' },
  { value: 'alerts', label: 'Alerts', description: 'As a table or as annotations' },
];

export const DIMENSION_CHOICES: ComboboxOption<Dimension>[] = DIMENSIONS.map((value) => ({
  value,
  label: plain(value),
}));

export const MEASURE_CHOICES: ComboboxOption<Measure>[] = MEASURES.map((value) => ({ value, label: plain(value) }));

export const COMPARISONS: ComboboxOption<Comparison>[] = [
  { value: 'PREVIOUS_WINDOW', label: 'The window before' },
  { value: 'SAME_TIME_LAST_WEEK', label: 'The same time last week' },
];

export const FORMATS: ComboboxOption<'logs' | 'table'>[] = [
  { value: 'logs', label: 'Log lines' },
  { value: 'table', label: 'Table' },
];

/** What the values of a condition are offered from; what has too many values is only typed. */
export const OFFERED: Readonly<Record<ConditionName, Dimension>> = {
  clusters: 'CLUSTER',
  namespaces: 'NAMESPACE',
  policies: 'POLICY',
  causes: 'CAUSE',
  workloads: 'SOURCE_WORKLOAD',
  nodes: 'NODE',
};
