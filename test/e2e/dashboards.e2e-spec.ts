import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { jest } from '@jest/globals';
import { parse } from 'yaml';
import { tellOfEverything } from './told.js';
import { type Stack, startStack } from './stack.js';

jest.setTimeout(180_000);

const GRAFANA = path.resolve(import.meta.dirname, '../../grafana');
const INFINITY = 'yesoreyeram-infinity-datasource';

interface Column {
  readonly selector: string;
  readonly text: string;
  readonly type: 'string' | 'number' | 'timestamp';
}

/** A query of the Infinity data source. */
interface Target {
  readonly type: string;
  readonly source: string;
  readonly parser: string;
  readonly format: string;
  readonly url: string;
  readonly url_options: {
    readonly method: string;
    readonly body_type: string;
    readonly body_graphql_query: string;
    readonly body_graphql_variables: string;
  };
  readonly root_selector: string;
  readonly columns: readonly Column[];
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource: { readonly type: string; readonly uid: string };
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
  readonly targets: readonly Target[];
}

interface Variable {
  readonly type: string;
  readonly name: string;
  readonly query: string | { readonly queryType: string; readonly infinityQuery: Target };
  readonly regex: string;
  readonly includeAll: boolean;
}

interface Annotation {
  readonly name: string;
  readonly datasource: Panel['datasource'];
  readonly enable: boolean;
  readonly target: Target;
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly annotations: { readonly list: readonly Annotation[] };
  readonly templating: { readonly list: readonly Variable[] };
  readonly panels: readonly Panel[];
}

type Row = Readonly<Record<string, unknown>>;
type Values = Readonly<Record<string, string | readonly string[]>>;

const DASHBOARDS = readdirSync(path.join(GRAFANA, 'dashboards')).map(
  (file) => JSON.parse(readFileSync(path.join(GRAFANA, 'dashboards', file), 'utf8')) as Dashboard,
);

/** `${name:json}` and `${__from:date:iso}`, as Grafana replaces them; anything else is left and fails. */
function replaced(text: string, values: Values): string {
  return text.replaceAll(/\$\{(\w+):(json|date:iso)\}/g, (whole, name: string, format: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return format === 'json' ? JSON.stringify(value) : String(value);
  });
}

const at = (value: unknown, selector: string): unknown =>
  selector.split('.').reduce<unknown>((inner, key) => (inner as Row | null | undefined)?.[key], value);

let stack: Stack;

beforeAll(async () => {
  stack = await startStack('postgres');
  await tellOfEverything(stack);
});

afterAll(() => stack.stop());

/** Asks as the data source does: POST of JSON with its bearer token; the answer's rows by the one root path. */
async function ask(target: Target, values: Values): Promise<readonly Row[]> {
  const { body_graphql_query: query, body_graphql_variables: variables, method } = target.url_options;
  const text = replaced(variables, values);
  const response = await fetch(`${stack.url}${target.url}`, {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${stack.token}` },
    body: JSON.stringify({ query: replaced(query, values), variables: JSON.parse(text) as unknown }),
  });
  const answer = (await response.json()) as { readonly errors?: readonly unknown[] };
  expect({ status: response.status, errors: answer.errors }).toEqual({ status: 200, errors: undefined });
  const rows = at(answer, target.root_selector);
  if (!Array.isArray(rows)) throw new Error(`${target.root_selector} is no list: ${JSON.stringify(rows)}`);
  return rows as readonly Row[];
}

/** What is told is of that time; what was not understood is of the time when it came. */
const HOUR = 3_600_000;

/** All values of each variable, in their order: a later one may ask within an earlier one. */
async function valuesOf(dashboard: Dashboard): Promise<Values> {
  const values: Record<string, string | readonly string[]> = {
    __from: new Date(Math.min(Date.parse('2026-11-20'), Date.now() - HOUR)).toISOString(),
    __to: new Date(Math.max(Date.parse('2026-11-22'), Date.now() + HOUR)).toISOString(),
  };
  for (const { type, name, query, regex } of dashboard.templating.list) {
    if (type === 'datasource' || typeof query === 'string') continue;
    const selector = query.infinityQuery.columns[0]?.selector ?? '';
    const wanted = new RegExp(regex.slice(1, -1));
    const found = (await ask(query.infinityQuery, values)).map((row) => at(row, selector));
    values[name] = [
      ...new Set(found.filter((value): value is string => typeof value === 'string' && wanted.test(value))),
    ];
    expect({ name, values: values[name] }).not.toEqual({ name, values: [] });
  }
  return values;
}

function fits(value: unknown, type: Column['type']): boolean {
  if (type === 'number') return Number.isFinite(typeof value === 'string' ? Number(value) : value);
  return typeof value === 'string' && (type === 'string' || !Number.isNaN(Date.parse(value)));
}

/** Columns that something of the right kind stands in. */
const filled = (rows: readonly Row[], columns: readonly Column[]) =>
  columns.filter(({ selector, type }) => rows.some((row) => fits(at(row, selector), type))).map(({ text }) => text);

const panels = DASHBOARDS.flatMap((dashboard) =>
  dashboard.panels.map((panel) => [dashboard.title, panel.title, dashboard, panel] as const),
);

describe('dashboards', () => {
  it.each(panels)('%s: %s shows something of the demo', async (_name, _title, dashboard, panel) => {
    const values = await valuesOf(dashboard);
    for (const target of panel.targets) {
      const rows = await ask(target, values);
      const wanted = target.columns.map(({ text }) => text);
      expect(filled(rows, target.columns)).toEqual(wanted);
    }
  });

  it.each(DASHBOARDS)('$title marks when alerts began and ended', async (dashboard) => {
    const [annotation] = dashboard.annotations.list;
    if (!annotation) throw new Error('no annotation');
    const { target } = annotation;
    // the columns that Infinity makes an annotation of
    expect(target.columns.map(({ text }) => text)).toEqual(['time', 'timeEnd', 'title', 'text', 'tags', 'id']);
    const rows = await ask(target, await valuesOf(dashboard));
    expect(filled(rows, target.columns)).toEqual(target.columns.map(({ text }) => text));
    expect(rows.map((row) => row['rule'])).toEqual(expect.arrayContaining(['MuchBlocked', 'SwitchedOff']));
  });

  it('tell of what fires now only', async () => {
    const overview = DASHBOARDS.find(({ uid }) => uid === 'whydrop-overview');
    const panel = overview?.panels.find(({ title }) => title === 'Firing alerts');
    if (!overview || !panel?.targets[0]) throw new Error('no such panel');
    const rows = await ask(panel.targets[0], await valuesOf(overview));
    const rules = rows.map((row) => row['rule']);
    expect(rules).toContain('MuchBlocked');
    expect(rules).not.toContain('SwitchedOff');
  });

  it('count what is stored', async () => {
    const overview = DASHBOARDS.find(({ uid }) => uid === 'whydrop-overview');
    const panel = overview?.panels.find(({ title }) => title === 'Blocked connections');
    if (!overview || !panel?.targets[0]) throw new Error('no such panel');
    const { rows } = await stack.database.pool.query<{ n: bigint }>(
      `SELECT count(*) AS n FROM "drop" d JOIN drop_group g ON g.id = d.group_id WHERE g.verdict IN ('dropped', 'rejected')`,
    );
    const shown = await ask(panel.targets[0], await valuesOf(overview));
    expect(shown.reduce((sum, row) => sum + Number(row['drops']), 0)).toBe(Number(rows[0]?.n));
  });

  it('show only what the chosen values leave', async () => {
    const dashboard = DASHBOARDS.find(({ uid }) => uid === 'whydrop-namespace');
    const values = { ...(await valuesOf(dashboard as Dashboard)), namespace: ['no-such-namespace'] };
    expect(await ask(dashboard?.annotations.list[0]?.target as Target, values)).toEqual([]);
    for (const panel of dashboard?.panels ?? []) {
      const rows = await ask(panel.targets[0] as Target, values);
      expect({ panel: panel.title, shown: rows.filter((row) => row['value'] === undefined || row['value']) }).toEqual({
        panel: panel.title,
        shown: [],
      });
    }
  });
});

describe('the alert rule that is provisioned', () => {
  const text = readFileSync(path.join(GRAFANA, 'provisioning/alerting/whydrop.yaml'), 'utf8');
  const { groups } = parse(text) as {
    readonly groups: readonly { readonly rules: readonly { readonly data: readonly { readonly model: Target }[] }[] }[];
  };
  const target = groups[0]?.rules[0]?.data[0]?.model as Target;

  it('asks without variables, with the parser that runs in the backend', async () => {
    expect(target).toMatchObject({ type: 'graphql', parser: 'backend', format: 'table' });
    expect(JSON.stringify(target)).not.toContain('$');
    await ask(target, {});
    const wide = { ...target.url_options };
    const ever = wide.body_graphql_query.replace('PT10M', 'P3650D');
    const rows = await ask({ ...target, url_options: { ...wide, body_graphql_query: ever } }, {});
    expect(filled(rows, target.columns)).toEqual(['namespace', 'drops']);
  });

  it('is the one that the documentation tells', () => {
    const doc = readFileSync(path.join(GRAFANA, '../docs/grafana.md'), 'utf8');
    expect(doc).toContain(target.url_options.body_graphql_query);
  });
});

describe('docker compose', () => {
  it('mounts what is there', () => {
    const compose = parse(readFileSync(path.join(GRAFANA, '../docker-compose.yml'), 'utf8')) as {
      readonly services: Readonly<
        Record<string, { readonly profiles?: readonly string[]; readonly volumes?: readonly string[] }>
      >;
    };
    const ours = Object.values(compose.services).filter(({ profiles }) => profiles?.includes('grafana'));
    const mounted = ours.flatMap(({ volumes = [] }) => volumes).filter((volume) => volume.startsWith('./'));
    expect(mounted).toHaveLength(3);
    for (const volume of mounted) {
      expect(readdirSync(path.join(GRAFANA, '..', volume.split(':')[0] ?? ''))).not.toEqual([]);
    }
  });
});

describe('the shape of dashboards', () => {
  it.each(DASHBOARDS)('$title asks the data source that is provisioned, with a parser that can alert', (dashboard) => {
    const sources = parse(readFileSync(path.join(GRAFANA, 'provisioning/datasources/whydrop.yaml'), 'utf8')) as {
      readonly datasources: readonly { readonly type: string; readonly uid: string }[];
    };
    expect(sources.datasources.map(({ type }) => type)).toContain(INFINITY);
    const annotations = dashboard.annotations.list.map(({ datasource, target }) => ({ datasource, targets: [target] }));
    for (const { datasource, targets } of [...dashboard.panels, ...annotations]) {
      // eslint-disable-next-line no-template-curly-in-string -- Grafana's own syntax
      expect(datasource).toEqual({ type: INFINITY, uid: '${source}' });
      for (const target of targets) {
        expect(target).toMatchObject({ type: 'graphql', source: 'url', parser: 'backend', url: '/graphql' });
        expect(target.url_options).toMatchObject({ method: 'POST', body_type: 'graphql' });
        // values go into variables, never into the text of a query
        expect(target.url_options.body_graphql_query).not.toContain('${');
      }
    }
  });

  it.each(DASHBOARDS)('$title has panels side by side', ({ panels: all }) => {
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const [i, { gridPos: a }] of all.entries()) {
      expect(a.x + a.w).toBeLessThanOrEqual(24);
      const others = all
        .slice(i + 1)
        .filter(({ gridPos: b }) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h);
      expect(others.map(({ title }) => title)).toEqual([]);
    }
  });
});
