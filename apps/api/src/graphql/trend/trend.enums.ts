import { registerEnumType } from '@nestjs/graphql';
import type { Dimension } from '@whydrop/storage';

const DOCS: Readonly<Record<Dimension, string>> = {
  cluster: 'Cluster.',
  namespace: 'Namespace of the endpoint whose policy decided.',
  sourceNamespace: 'Namespace of the source.',
  destinationNamespace: 'Namespace of the destination.',
  sourceWorkload: 'Source: namespace/name, a node, or an address.',
  destinationWorkload: 'Destination: namespace/name, a node, or an address.',
  policy:
    'Policy that isolates or denies: kind/namespace/name. What several policies blocked is in the series of each.',
  cause: 'Cause.',
  port: 'Destination port as the deciding rule saw it.',
  protocol: 'Protocol.',
  node: 'Node where the verdict was given.',
  direction: 'Side at which a policy decided.',
  verdict: 'Verdict.',
  group: 'Drop group, or group of counted packets, by its key.',
};

const nameOf = (dimension: string) => dimension.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

export const TrendDimensionEnum: Readonly<Record<string, Dimension>> = Object.fromEntries(
  (Object.keys(DOCS) as Dimension[]).map((dimension) => [nameOf(dimension), dimension]),
);
registerEnumType(TrendDimensionEnum, {
  name: 'TrendDimension',
  description: 'What blocked connections are added up by.',
  valuesMap: Object.fromEntries(Object.entries(DOCS).map(([name, description]) => [nameOf(name), { description }])),
});

export const TrendComparison = {
  PREVIOUS_WINDOW: 'PREVIOUS_WINDOW',
  SAME_TIME_LAST_WEEK: 'SAME_TIME_LAST_WEEK',
} as const;
export type TrendComparison = keyof typeof TrendComparison;
registerEnumType(TrendComparison, {
  name: 'TrendComparison',
  valuesMap: {
    PREVIOUS_WINDOW: { description: 'The time just before, as long.' },
    SAME_TIME_LAST_WEEK: { description: 'Seven days before.' },
  },
});

export const TrendMeasure = { DROPS: 'drops', ATTEMPTS: 'attempts', PACKETS: 'packets', COUNTED: 'counted' } as const;
export type TrendMeasure = (typeof TrendMeasure)[keyof typeof TrendMeasure];
registerEnumType(TrendMeasure, { name: 'TrendMeasure', description: 'Which sum is shown.' });
