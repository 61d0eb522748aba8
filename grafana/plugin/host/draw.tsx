import {
  applyFieldOverrides,
  createTheme,
  type DataFrame,
  type FieldConfigSource,
  FieldType,
  getFieldDisplayName,
  standardFieldConfigEditorRegistry,
  type TimeRange,
} from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';
import { LegendDisplayMode, type VizLegendOptions } from '@grafana/schema';
import { Table, TimeSeries } from '@grafana/ui';

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly refId: string }[];
  readonly fieldConfig: FieldConfigSource;
}

interface Props {
  readonly panel: Panel;
  readonly frames: readonly DataFrame[];
  readonly range: TimeRange;
  readonly width: number;
  readonly height: number;
}

const theme = createTheme({ colors: { mode: 'light' } });

/** Grafana registers its standard options of fields when it starts; nothing here overrides a field. */
export function registerFieldOptions(): void {
  standardFieldConfigEditorRegistry.setInit(() => []);
}

/** Frames as a panel gets them: with colours, formats, names and links. What the data source says of a field goes first. */
function prepared(panel: Panel, frames: readonly DataFrame[]): DataFrame[] {
  const { defaults } = panel.fieldConfig;
  const data = frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) =>
      field.type === FieldType.number
        ? { ...field, config: { color: { mode: 'palette-classic' }, ...defaults, ...field.config } }
        : field,
    ),
  }));
  const fieldConfig = { defaults: {}, overrides: [] };
  const replaceVariables = (text: string) => getTemplateSrv().replace(text);
  return applyFieldOverrides({ data, fieldConfig, replaceVariables, theme, timeZone: 'utc' });
}

function Lines({ panel, frames, range, width, height }: Props) {
  const legend: VizLegendOptions = {
    displayMode: LegendDisplayMode.List,
    placement: 'bottom',
    showLegend: true,
    calcs: [],
  };
  return (
    <TimeSeries
      frames={prepared(panel, frames)}
      timeRange={range}
      timeZone="utc"
      width={width}
      height={height}
      legend={legend}
      options={{}}
    />
  );
}

function Rows({ panel, frames, width, height }: Props) {
  const frame = prepared(panel, frames).at(-1);
  return frame ? <Table data={frame} width={width} height={height} columnMinWidth={70} /> : null;
}

/** Log panels are no part of Grafana's libraries: time, level and line, as they are in the frame. */
function LogLines({ frames, height }: Props) {
  const [time, body, severity] = ['timestamp', 'body', 'severity'].map((name) =>
    frames[0]?.fields.find((field) => field.name === name),
  );
  return (
    <div className="logs" style={{ height }}>
      {body?.values.slice(0, 30).map((line: string, i) => (
        <div key={i} className={`log ${String(severity?.values[i])}`}>
          <time>{new Date(Number(time?.values[i])).toISOString().slice(11, 23)}</time> {line}
        </div>
      ))}
    </div>
  );
}

const KINDS: Readonly<Record<string, (props: Props) => React.ReactNode>> = {
  timeseries: (props) => <Lines {...props} />,
  table: (props) => <Rows {...props} />,
  nodeGraph: (props) => <Rows {...props} />,
  logs: (props) => <LogLines {...props} />,
};

export function Drawing(props: Props) {
  return KINDS[props.panel.type]?.(props) ?? <p>no drawing for {props.panel.type}</p>;
}

/** Names and sums of the number fields: what a test compares with. */
export function seriesOf(frames: readonly DataFrame[]) {
  return frames.flatMap((frame) =>
    frame.fields
      .filter((field) => field.type === 'number')
      .map((field) => ({
        name: getFieldDisplayName(field, frame, [...frames]),
        labels: field.labels ?? {},
        points: frame.length,
        sum: field.values.reduce((sum: number, value: number | null) => sum + (value ?? 0), 0),
        gaps: field.values.filter((value) => value === null).length,
      })),
  );
}
