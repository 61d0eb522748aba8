import { useId } from 'react';
import { conditionOf, timeRangeOf, type View } from '../api/filter';
import { OLDEST, TREND } from '../api/queries';
import { useQuery } from '../api/use-query';
import { Chart, Scale } from './chart';
import { summary, type TrendPoint } from './summary';

interface Answer {
  readonly trend: { readonly series: readonly { readonly points: readonly TrendPoint[] }[] };
}

interface Oldest {
  readonly oldest: { readonly nodes: readonly { readonly firstSeenAt: string }[] };
}

interface Props {
  readonly view: View;
  readonly round: number;
}

/** How much was blocked over the time of the list, by its filters; of all time since the oldest group that they leave. */
export function Trend({ view, round }: Props) {
  const told = useId();
  const all = view.last === 'all';
  const filter = conditionOf({ ...view, mode: 'groups' });
  const oldest = useQuery<Oldest>(all ? OLDEST : undefined, { filter: { ...filter, ...timeRangeOf(view) } }, round);
  const from = oldest.data?.oldest.nodes[0]?.firstSeenAt;
  const timeRange = all ? { from } : timeRangeOf(view).timeRange;
  const { data, error } = useQuery<Answer>(all && from === undefined ? undefined : TREND, { timeRange, filter }, round);
  if (error !== undefined) return <p className="problem">{error}</p>;
  const points = data?.trend.series[0]?.points;
  if (!points || (all && from === undefined)) return null;
  const what = view.failed || view.cause !== '' ? 'blocked or failed' : 'blocked';
  const text = summary(points, what);
  return (
    <figure className="trend">
      <figcaption id={told}>
        {text}
        {view.mode === 'drops' && view.text !== '' && ' Words of sentences do not narrow this chart.'}
      </figcaption>
      <Chart points={points} title={`Trend of ${what} connections`} told={told} />
      <Scale points={points} />
    </figure>
  );
}
