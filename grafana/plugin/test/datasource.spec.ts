import {
  DataFrameType,
  type DataQueryRequest,
  type DataSourceInstanceSettings,
  dateTime,
  FieldType,
} from '@grafana/data';
import { parse } from 'graphql';
import { firstValueFrom } from 'rxjs';
import { WhydropDataSource } from '../src/datasource';
import * as documents from '../src/query/documents';
import type { WhydropOptions, WhydropQuery } from '../src/types';
import { type VariableQuery, WhydropVariables } from '../src/variables';
import { giveAnswers } from './services';

const settings = {
  url: '/api/datasources/proxy/uid/u',
  jsonData: { url: 'http://api:4270', pageUrl: 'https://whydrop.example.org/' },
} as DataSourceInstanceSettings<WhydropOptions>;
const range = { from: dateTime('2026-11-20T14:00:00Z'), to: dateTime('2026-11-20T15:00:00Z') };
const TIME = { from: '2026-11-20T14:00:00.000Z', to: '2026-11-20T15:00:00.000Z' };

const ask = (...targets: Partial<WhydropQuery>[]) => {
  const all = targets.map((target, i) => ({ refId: 'ABC'.charAt(i), ...target }));
  const request = {
    targets: all,
    range,
    maxDataPoints: 5000,
    scopedVars: {},
  } as unknown as DataQueryRequest<WhydropQuery>;
  return firstValueFrom(new WhydropDataSource(settings).query(request));
};
const answering = (data: unknown) => () => ({ status: 200, data: { data } });

const point = (minute: string, drops: number | null) => ({ from: `2026-11-20T14:${minute}:00Z`, drops });
const dev = {
  key: 'dev',
  labels: [{ dimension: 'NAMESPACE', value: 'dev' }],
  points: [point('00', 3), point('01', null)],
};
const other = { key: 'other', labels: [], points: [point('00', 0), point('01', 1)] };

const END = { ip: '10.0.0.1', label: 'web-1', pod: { namespace: 'dev', name: 'web-1' }, node: null };
const DROP = {
  ...{
    id: 'RHJvcA',
    key: 'k',
    firstSeenAt: '2026-11-20T14:00:00.5Z',
    lastSeenAt: '2026-11-20T14:00:01Z',
    cluster: 'c',
  },
  ...{ source: END, destination: { ...END, pod: null }, sourcePort: 1, destinationPort: 80, protocol: 'TCP' },
  ...{ direction: null, verdict: 'DROPPED', cause: 'POLICY_DEFAULT_DENY', basis: 'OBSERVED', attempts: 1, packets: 2 },
  sentence: 'web-1 was dropped',
};

describe('queries', () => {
  it('go through the data proxy; variables go along as GraphQL variables', async () => {
    const sent = giveAnswers(answering({ trend: { series: [dev], other, comparison: null } }), { ns: ['a', 'b"}'] });
    await ask({ kind: 'trend', where: { namespaces: ['$ns'] }, groupBy: ['NAMESPACE'] });
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({
      url: '/api/datasources/proxy/uid/u/gql/graphql',
      method: 'POST',
      query: documents.TREND,
    });
    expect(sent[0]?.variables).toEqual({
      ...{ drops: true, attempts: false, packets: false, counted: false },
      ...{ timeRange: TIME, filter: { namespace: { in: ['a', 'b"}'] } }, groupBy: ['NAMESPACE'], top: 10 },
      maxPoints: 1000,
    });
  });

  it('one that fails leaves the others their answers', async () => {
    giveAnswers(({ variables }) =>
      variables['by'] === 'NODE'
        ? { status: 200, data: { data: null, errors: [{ message: 'not like this' }] } }
        : { status: 200, data: { data: { top: [] } } },
    );
    const answer = await ask({ kind: 'top', groupBy: ['NODE'] }, { kind: 'top' }, { kind: 'top', hide: true });
    expect(answer.errors).toEqual([{ refId: 'A', message: 'not like this' }]);
    expect(answer.data.map(({ refId }) => refId)).toEqual(['B']);
  });

  it.each(Object.entries(documents))('%s is a query', (_, text) => {
    expect(parse(text).definitions.length).toBeGreaterThan(0);
  });
});

describe('frames', () => {
  it('trend: a frame per series with its labels; where nobody was looking is a gap', async () => {
    giveAnswers(answering({ trend: { series: [dev], other, comparison: null } }));
    const { data } = await ask({ kind: 'trend', groupBy: ['NAMESPACE'] });
    expect(data.map(({ meta }) => meta.type)).toEqual([DataFrameType.TimeSeriesMulti, DataFrameType.TimeSeriesMulti]);
    expect(data[0].fields[0].values).toEqual([Date.parse('2026-11-20T14:00:00Z'), Date.parse('2026-11-20T14:01:00Z')]);
    expect(data[0].fields[1]).toMatchObject({ labels: { namespace: 'dev' }, values: [3, null] });
    expect(data[1].fields[1]).toMatchObject({ labels: { namespace: 'other' }, values: [0, 1] });
  });

  it('trend: what it is compared with is drawn at the times of now', async () => {
    const week = { ...dev, points: [{ from: '2026-11-13T14:00:00Z', drops: 8 }] };
    const comparison = { series: [week], other: null };
    giveAnswers(answering({ trend: { series: [dev], other: null, comparison } }));
    const { data } = await ask({ kind: 'trend', compareWith: 'SAME_TIME_LAST_WEEK' });
    expect(data[1].fields[0].values).toEqual(data[0].fields[0].values);
    expect(data[1].fields[1].values).toEqual([8, null]);
    expect(data[1].fields[1].config.displayNameFromDS).toBe('dev, a week before');
  });

  it('drops: log lines with levels, labels, and links to the explanation', async () => {
    const sent = giveAnswers(answering({ drops: { nodes: [DROP] } }));
    const { data } = await ask({ kind: 'drops', limit: 9999, where: { causes: ['*'] } });
    expect(sent[0]?.variables).toEqual({ filter: { timeRange: TIME }, first: 500 });
    expect(data[0].meta.type).toBe('log-lines');
    const of = (name: string) => data[0].fields.find((field: { name: string }) => field.name === name);
    expect(data[0].fields[0].type).toBe(FieldType.time);
    expect(of('body').values).toEqual(['web-1 was dropped']);
    expect(of('severity').values).toEqual(['error']);
    expect(of('labels').values[0]).toMatchObject({ cluster: 'c', source_namespace: 'dev', port: '80' });
    expect(of('labels').values[0]).not.toHaveProperty('direction');
    expect(of('id').config.links[0].url).toMatch(/^https:\/\/whydrop\.example\.org\/\?mode=drops&last=all&open=\$/);
  });

  it('graph: groups between the same ends are one edge', async () => {
    const end = (name: string) => ({ kind: 'Pod', namespace: 'dev', name });
    const group = {
      id: 'g',
      cluster: 'c',
      protocol: 'TCP',
      verdict: 'DROPPED',
      cause: 'NO_ROUTE',
      attempts: '1',
      policies: [],
    };
    const between = { source: end('a'), destination: end('b') };
    const nodes = [
      { ...group, ...between, drops: '3', destinationPort: 80 },
      { ...group, ...between, drops: '4', destinationPort: 443 },
    ];
    giveAnswers(answering({ dropGroups: { nodes } }));
    const { data } = await ask({ kind: 'graph' });
    const values = (frame: number, name: string) =>
      data[frame].fields.find((field: { name: string }) => field.name === name).values;
    expect(values(0, 'id')).toEqual(['c|Pod|dev/a', 'c|Pod|dev/b']);
    expect(values(0, 'arc__sent')).toEqual([1, 0]);
    expect(values(1, 'mainstat')).toEqual([7]);
    expect(values(1, 'secondarystat')).toEqual(['TCP/80, TCP/443']);
  });

  it('alerts: fields that annotations are made of', async () => {
    const alert = {
      ...{ id: 'a', rule: 'BlockedSpike', kind: 'SPIKE', severity: 'WARNING', state: 'FIRING', cluster: 'c' },
      ...{ startsAt: '2026-11-20T14:00:00Z', endsAt: null, summary: 's', sentence: null, cause: null, policies: [] },
      ...{ labels: [], path: '/?group=1', value: 3, expected: 1 },
    };
    const sent = giveAnswers(answering({ alerts: { nodes: [alert] } }));
    const { data } = await ask({ kind: 'alerts', where: { clusters: ['c'], policies: ['p', 'q'] } });
    expect(sent[0]?.variables).toEqual({
      filter: { timeRange: TIME, and: [{ cluster: { in: ['c'] }, policy: { in: ['p', 'q'] } }] },
      first: 100,
    });
    expect(data[0].fields.slice(0, 5).map(({ name }: { name: string }) => name)).toEqual([
      'time',
      'timeEnd',
      'title',
      'text',
      'tags',
    ]);
    expect(data[0].fields[4].values).toEqual([['warning', 'firing', 'spike', 'c']]);
  });
});

describe('health check', () => {
  it.each([
    [200, { data: { clusters: [{ key: 'c', drops: 3 }] } }, 'success', '3 blocked connections in 1 clusters'],
    [401, { errors: [{ message: 'UNAUTHENTICATED' }] }, 'error', 'refuses the token'],
    [502, { message: 'bad gateway' }, 'error', 'does not reach Whydrop'],
    [200, '<html>', 'error', 'not that of a GraphQL API'],
    [418, undefined, 'error', '418'],
  ])('HTTP %d', async (status, data, expected, text) => {
    giveAnswers(() => ({ status, data }));
    const health = await new WhydropDataSource(settings).testDatasource();
    expect(health.status).toBe(expected);
    expect(health.message).toContain(text);
  });
});

describe('variables', () => {
  it('are what was blocked in the time of the dashboard', async () => {
    const sent = giveAnswers(answering({ top: [{ key: 'dev' }, { key: '' }, { key: 'qa' }] }));
    const variables = new WhydropVariables(new WhydropDataSource(settings));
    const targets = [{ refId: 'v', values: 'NAMESPACE' }];
    const { data } = await firstValueFrom(
      variables.query({ targets, range } as unknown as DataQueryRequest<VariableQuery>),
    );
    expect(data).toEqual([
      { text: 'dev', value: 'dev' },
      { text: 'qa', value: 'qa' },
    ]);
    expect(sent[0]?.variables).toEqual({ timeRange: TIME, by: 'NAMESPACE', first: 100 });
  });
});
