import './boot';
import {
  CoreApp,
  createTheme,
  type DataFrame,
  type DataQueryRequest,
  type DataSourceInstanceSettings,
  type DataSourcePlugin,
  dateTime,
  LoadingState,
  ThemeContext,
  type TimeRange,
} from '@grafana/data';
import { PortalContainer } from '@grafana/ui';
import { createRoot } from 'react-dom/client';
import { firstValueFrom, from, isObservable } from 'rxjs';
import type { WhydropDataSource } from '../src/datasource';
import type { WhydropOptions, WhydropQuery, WhydropSecrets } from '../src/types';
import { Drawing, type Panel, registerFieldOptions, seriesOf } from './draw';
import { loadPlugin } from './load';
import { type Choices, giveServices } from './services';

/** What the page is to do, left by the program that opens it. */
interface Task {
  readonly plugin: string;
  readonly uid: string;
  readonly jsonData: WhydropOptions;
  readonly from: number;
  readonly to: number;
  readonly choices: Choices;
  readonly panels: readonly Panel[];
  /** Policies whose alerts are counted. */
  readonly policies: readonly string[];
}

type Loaded = DataSourcePlugin<WhydropDataSource, WhydropQuery, WhydropOptions, WhydropSecrets>;

function rangeOf({ from: start, to }: Task): TimeRange {
  const range = { from: dateTime(start), to: dateTime(to) };
  return { ...range, raw: range };
}

function requestOf(targets: readonly WhydropQuery[], range: TimeRange): DataQueryRequest<WhydropQuery> {
  const times = { range, interval: '15s', intervalMs: 15_000, timezone: 'utc', startTime: Date.now() };
  return {
    ...times,
    app: CoreApp.Dashboard,
    requestId: 'Q1',
    scopedVars: {},
    maxDataPoints: 600,
    targets: [...targets],
  };
}

interface Asked {
  readonly frames: readonly DataFrame[];
  readonly errors: readonly (string | undefined)[];
}

async function ask(source: WhydropDataSource, targets: readonly WhydropQuery[], range: TimeRange): Promise<Asked> {
  const answer = source.query(requestOf(targets, range));
  const { data, errors = [] } = await firstValueFrom(isObservable(answer) ? answer : from(answer));
  return { frames: data as DataFrame[], errors: errors.map(({ message }) => message) };
}

function Dashboard({
  panels,
  answers,
  range,
}: {
  panels: readonly Panel[];
  answers: readonly Asked[];
  range: TimeRange;
}) {
  const unit = 1240 / 24;
  return (
    <div className="dashboard">
      {panels.map((panel, i) => {
        const { x, y, w, h } = panel.gridPos;
        const [width, height] = [w * unit - 34, h * 34 - 46];
        const style = { left: x * unit, top: y * 34, width: w * unit - 10, height: h * 34 - 10 };
        return (
          <section key={panel.id} data-panel={panel.title} style={style}>
            <h2>{panel.title}</h2>
            <Drawing panel={panel} frames={answers[i]?.frames ?? []} range={range} width={width} height={height} />
          </section>
        );
      })}
    </div>
  );
}

async function run(task: Task) {
  giveServices(task.choices);
  registerFieldOptions();
  const { module, asked } = await loadPlugin<{ readonly plugin: Loaded }>(task.plugin);
  const { plugin } = module;
  const settings = { id: 1, uid: task.uid, name: 'Whydrop', type: 'whydrop-drops-datasource', access: 'proxy' };
  const url = `/api/datasources/proxy/uid/${task.uid}`;
  const source = new plugin.DataSourceClass({
    ...settings,
    url,
    jsonData: task.jsonData,
    readOnly: false,
    meta: {},
  } as unknown as DataSourceInstanceSettings<WhydropOptions>);
  const range = rangeOf(task);
  const health = await source.testDatasource();
  const answers: Asked[] = [];
  for (const panel of task.panels) answers.push(await ask(source, panel.targets as readonly WhydropQuery[], range));
  const annotate = (where: WhydropQuery['where']) =>
    ask(source, [{ refId: 'Anno', ...source.annotations.getDefaultQuery?.(), where } as WhydropQuery], range);
  const alerts = await annotate({});
  const alertsOf: Record<string, number> = {};
  for (const policy of task.policies)
    alertsOf[policy] = (await annotate({ policies: [policy] })).frames[0]?.length ?? 0;
  const valuesOf = (name: string): unknown[] =>
    alerts.frames[0]?.fields.find((field) => field.name === name)?.values ?? [];
  const variables = (source as { variables?: WhydropDataSource['variables'] }).variables;
  const values = async (dimension: string) => {
    const request = { ...requestOf([], range), targets: [{ refId: 'values', values: dimension }] };
    const answer = variables && 'query' in variables ? variables.query?.(request as never) : undefined;
    return answer ? ((await firstValueFrom(answer)).data as { text: string }[]).map(({ text }) => text) : [];
  };
  const offered = {
    NAMESPACE: await values('NAMESPACE'),
    POLICY: await values('POLICY'),
    CLUSTER: await values('CLUSTER'),
  };
  const { QueryEditor, ConfigEditor } = plugin.components;
  const query = (task.panels[0]?.targets[0] ?? { refId: 'A', kind: 'trend' }) as WhydropQuery;
  const nothing = () => {};
  const options = { ...settings, url, jsonData: task.jsonData, secureJsonFields: { apiToken: true } };
  createRoot(document.getElementById('root') as HTMLElement).render(
    <ThemeContext.Provider value={createTheme({ colors: { mode: 'light' } })}>
      <PortalContainer />
      <header>
        <h1>Whydrop: what is blocked</h1>
        <p id="health">{health.message}</p>
      </header>
      <div className="editor" data-editor="query">
        {QueryEditor && (
          <QueryEditor query={query} datasource={source} range={range} onChange={nothing} onRunQuery={nothing} />
        )}
      </div>
      <Dashboard panels={task.panels} answers={answers} range={range} />
      <div className="editor" data-editor="config">
        {ConfigEditor && <ConfigEditor options={options as never} onOptionsChange={nothing} />}
      </div>
    </ThemeContext.Provider>,
  );
  return {
    asked,
    health,
    state: LoadingState.Done,
    panels: task.panels.map(({ title }, i) => ({
      title,
      errors: answers[i]?.errors ?? [],
      rows: (answers[i]?.frames ?? []).map((frame) => frame.length),
      types: (answers[i]?.frames ?? []).map((frame) => frame.meta?.type ?? frame.meta?.preferredVisualisationType),
      series: seriesOf(answers[i]?.frames ?? []),
    })),
    alerts: {
      errors: alerts.errors,
      titles: valuesOf('title'),
      times: valuesOf('time'),
      texts: valuesOf('text'),
      of: alertsOf,
    },
    offered,
  };
}

Object.assign(window, { run });
