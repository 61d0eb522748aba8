import type { Dimension } from '../types';

/** What the API answers to the documents beside this file. */

export interface Series {
  readonly key: string;
  readonly labels: readonly { readonly dimension: Dimension; readonly value: string }[];
  /** The one sum that was asked for stands beside `from`; null where nobody was looking. */
  readonly points: readonly ({ readonly from: string } & Readonly<Record<string, number | string | null>>)[];
}

interface SeriesList {
  readonly series: readonly Series[];
  readonly other: Series | null;
}

export interface TrendAnswer {
  readonly trend: SeriesList & { readonly comparison: SeriesList | null };
}

export interface TopRow {
  readonly key: string;
  readonly drops: number;
  readonly attempts: number;
  readonly packets: number;
  readonly counted: number;
}
export interface TopAnswer {
  readonly top: readonly TopRow[];
}

export interface End {
  readonly ip: string;
  readonly label: string;
  readonly pod: { readonly namespace: string; readonly name: string } | null;
  readonly node: string | null;
}
export interface Drop {
  readonly id: string;
  readonly key: string;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
  readonly cluster: string;
  readonly source: End;
  readonly destination: End;
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  readonly protocol: string;
  readonly direction: string | null;
  readonly verdict: string;
  readonly cause: string;
  readonly basis: string;
  readonly attempts: number;
  readonly packets: number;
  readonly sentence: string;
}
export interface DropsAnswer {
  readonly drops: { readonly nodes: readonly Drop[] };
}

export interface GroupEnd {
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
}
export interface DropGroup {
  readonly id: string;
  readonly cluster: string;
  readonly source: GroupEnd;
  readonly destination: GroupEnd;
  readonly destinationPort: number | null;
  readonly protocol: string;
  readonly verdict: string;
  readonly cause: string;
  /** Decimal digits. */
  readonly drops: string;
  readonly attempts: string;
  readonly policies: readonly { readonly kind: string; readonly namespace: string | null; readonly name: string }[];
}
export interface GraphAnswer {
  readonly dropGroups: { readonly nodes: readonly DropGroup[] };
}

export interface Alert {
  readonly id: string;
  readonly rule: string;
  readonly kind: string;
  readonly severity: string;
  readonly state: string;
  readonly cluster: string;
  readonly startsAt: string;
  readonly endsAt: string | null;
  readonly summary: string;
  readonly sentence: string | null;
  readonly cause: string | null;
  readonly policies: readonly string[];
  readonly labels: readonly { readonly name: string; readonly value: string }[];
  readonly path: string;
  readonly value: number;
  readonly expected: number | null;
}
export interface AlertsAnswer {
  readonly alerts: { readonly nodes: readonly Alert[] };
}

export interface HealthAnswer {
  readonly clusters: readonly { readonly key: string; readonly drops: number }[];
}
