import { useId } from 'react';
import { shortTime } from '../parts/words';
import type { TrendPoint } from './summary';

interface Props {
  readonly points: readonly TrendPoint[];
  readonly title: string;
  /** Id of the element that tells what it shows, in words. */
  readonly told: string;
}

const HEIGHT = 100;

const toolTip = ({ from, drops }: TrendPoint): string =>
  `${shortTime(from).slice(0, -3)}: ${drops === null ? 'nobody was looking' : drops}`;

/** A bar per bucket. Where nobody was looking there is a shaded gap, where nothing was blocked there is nothing. */
export function Chart({ points, title, told }: Props) {
  const id = useId();
  const most = Math.max(1, ...points.map(({ drops }) => drops ?? 0));
  return (
    <svg
      className="chart"
      role="img"
      aria-labelledby={id}
      aria-describedby={told}
      viewBox={`0 0 ${Math.max(points.length, 1)} ${HEIGHT}`}
      preserveAspectRatio="none"
    >
      <title id={id}>{title}</title>
      {points.map((point, i) => {
        // However few there are: they are seen.
        const height =
          point.drops === null ? HEIGHT : point.drops === 0 ? 0 : Math.max(3, (point.drops / most) * HEIGHT);
        const [x, width] = point.drops === null ? [i, 1] : [i + 0.1, 0.8];
        return (
          <g key={point.from} className="bucket">
            <title>{toolTip(point)}</title>
            <rect className="reach" x={i} width={1} height={HEIGHT} />
            {height > 0 && (
              <rect
                className={point.drops === null ? 'gap' : 'bar'}
                x={x}
                y={HEIGHT - height}
                width={width}
                height={height}
              />
            )}
          </g>
        );
      })}
    </svg>
  );
}

/** The chart's scale, beside it: a picture that is stretched has no letters in it. */
export function Scale({ points }: Pick<Props, 'points'>) {
  const most = Math.max(0, ...points.map(({ drops }) => drops ?? 0));
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return null;
  return (
    <p className="scale" aria-hidden="true">
      <span>{shortTime(first.from).slice(0, -3)}</span>
      <span>{most === 0 ? '' : `highest: ${most}`}</span>
      <span>{shortTime(last.from).slice(0, -3)}</span>
    </p>
  );
}
