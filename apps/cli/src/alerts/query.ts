import type { WhydropClient } from '../server/client.js';

/** An alert as the API answers it. */
export interface AlertAnswer {
  readonly id: string;
  readonly rule: string;
  readonly state: string;
  readonly severity: string;
  readonly cluster: string;
  readonly labels: readonly { readonly name: string; readonly value: string }[];
  readonly summary: string;
  readonly sentence: string | null;
  readonly cause: string | null;
  readonly policies: readonly string[];
  readonly startsAt: string;
  readonly endsAt: string | null;
  readonly levelShift: boolean;
  readonly notified: boolean;
  readonly mutedBy: { readonly by: string; readonly id: string } | null;
  readonly baseline: { readonly state: string; readonly samples: number } | null;
  readonly topSources: readonly EndAnswer[];
  readonly topDestinations: readonly EndAnswer[];
  readonly trend: readonly { readonly from: string; readonly value: number | null }[];
  readonly changes: readonly string[];
}

export interface EndAnswer {
  readonly end: { readonly kind: string; readonly namespace: string | null; readonly name: string };
  readonly drops: number;
}

const FIELDS = `id rule state severity cluster labels { name value } summary sentence cause policies startsAt endsAt
  levelShift notified mutedBy { by id } baseline { state samples }
  topSources { end { kind namespace name } drops } topDestinations { end { kind namespace name } drops }
  trend { from value } changes`;

const LIST = `query ($filter: AlertFilter!, $after: String) {
  alerts(filter: $filter, first: 50, after: $after) { nodes { ${FIELDS} } pageInfo { hasNextPage endCursor } } }`;

interface Page {
  readonly alerts: {
    readonly nodes: readonly AlertAnswer[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

/** Most alerts that are listed at once. */
const MOST = 500;

export async function fetchAlerts(client: WhydropClient, filter: object): Promise<readonly AlertAnswer[]> {
  const all: AlertAnswer[] = [];
  let after: string | null = null;
  do {
    const page: Page = await client.query<Page>(LIST, { filter, after });
    all.push(...page.alerts.nodes);
    after = page.alerts.pageInfo.hasNextPage ? page.alerts.pageInfo.endCursor : null;
  } while (after !== null && all.length < MOST);
  return all;
}

export async function fetchAlert(client: WhydropClient, id: string): Promise<AlertAnswer | null> {
  const answer = await client.query<{ alert: AlertAnswer | null }>(
    `query ($id: ID!) { alert(id: $id) { ${FIELDS} } }`,
    {
      id,
    },
  );
  return answer.alert;
}

export interface RuleAnswer {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly source: string;
  readonly enabled: boolean;
  readonly severity: string;
  readonly firing: number;
  readonly specification: string;
}

export async function fetchRules(client: WhydropClient): Promise<readonly RuleAnswer[]> {
  const query = '{ alertRules { id name kind source enabled severity firing specification } }';
  return (await client.query<{ alertRules: readonly RuleAnswer[] }>(query, {})).alertRules;
}

export interface SilenceAnswer {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly author: string;
  readonly comment: string;
  readonly startsAt: string;
  readonly endsAt: string;
}

export interface Matcher {
  readonly name: string;
  readonly value: string;
  readonly isRegex: boolean;
  readonly isEqual: boolean;
}

const SILENCE = 'id matchers { name value isRegex isEqual } author comment startsAt endsAt';

export async function fetchSilences(client: WhydropClient): Promise<readonly SilenceAnswer[]> {
  return (await client.query<{ silences: readonly SilenceAnswer[] }>(`{ silences { ${SILENCE} } }`, {})).silences;
}

export interface Changed {
  readonly silence: SilenceAnswer | null;
  readonly userErrors: readonly { readonly path: readonly string[]; readonly message: string }[];
}

const PAYLOAD = `{ silence { ${SILENCE} } userErrors { path message } }`;

export async function createSilence(client: WhydropClient, input: object): Promise<Changed> {
  const query = `mutation ($input: CreateSilenceInput!) { changed: createSilence(input: $input) ${PAYLOAD} }`;
  return (await client.query<{ changed: Changed }>(query, { input })).changed;
}

export async function expireSilence(client: WhydropClient, id: string): Promise<Changed> {
  const query = `mutation ($id: ID!) { changed: expireSilence(id: $id) ${PAYLOAD} }`;
  return (await client.query<{ changed: Changed }>(query, { id })).changed;
}
