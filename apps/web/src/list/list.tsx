import { useEffect, useState } from 'react';
import { filterOf, RANGES, type View } from '../api/filter';
import { ask } from '../api/client';
import { DROPS, GROUPS } from '../api/queries';
import { useSession } from '../api/session';
import type { DropItem, GroupItem, Page } from '../api/types';
import { useQuery } from '../api/use-query';
import { count } from '../parts/words';
import { Trend } from '../trend/trend';
import { Row } from './row';

type Item = GroupItem | DropItem;
interface Answer {
  readonly list: Page<Item>;
}

interface Props {
  readonly view: View;
  readonly round: number;
  readonly open: (id: string) => void;
  readonly widen: () => void;
}

const REFRESH_MS = 15_000;

/** Counts up while the page is looked at. */
function useTicks(): number {
  const [ticks, setTicks] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') setTicks((n) => n + 1);
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return ticks;
}

function Nothing({ view, widen }: Pick<Props, 'view' | 'widen'>) {
  const range = RANGES.find(([value]) => value === view.last)?.[1].toLowerCase() ?? '';
  const filtered = view.namespace !== '' || view.cause !== '' || view.text !== '';
  return (
    <div className="nothing">
      <p>
        {filtered ? 'Nothing fits this filter' : 'Nothing was dropped'}
        {view.last === 'all' ? '.' : ` in the last ${range}.`}
      </p>
      {view.last !== 'all' && (
        <button type="button" onClick={widen}>
          Look at all time
        </button>
      )}
    </div>
  );
}

/** Drops or groups of the view, with more on demand. */
export function List({ view, round, open, widen }: Props) {
  const { token } = useSession();
  const query = view.mode === 'groups' ? GROUPS : DROPS;
  const filter = filterOf(view);
  const key = JSON.stringify([view.mode, filter]);
  const ticks = useTicks();
  const [more, setMore] = useState<{ readonly key: string; readonly pages: readonly Page<Item>[] }>({ key, pages: [] });
  const pages = more.key === key ? more.pages : [];
  // What was added below stays put: only a list of one page is asked for anew by itself.
  const { data, error, loading } = useQuery<Answer>(query, { filter }, round + (pages.length === 0 ? ticks : 0));
  const [problem, setProblem] = useState('');
  if (error !== undefined) return <p className="problem list">{error}</p>;
  if (!data) return <p className="list waiting">{loading ? 'Looking …' : ''}</p>;
  const last = pages.at(-1) ?? data.list;
  const items = [data.list, ...pages].flatMap((page) => page.nodes);
  const load = () => {
    setProblem('');
    ask<Answer>(token, query, { filter, after: last.pageInfo.endCursor }).then(
      ({ list }) => setMore({ key, pages: [...pages, list] }),
      (failure: unknown) => setProblem(String(failure)),
    );
  };
  const total = data.list.totalCount === null ? 'more than 10000' : data.list.totalCount;
  return (
    <section className="list" aria-busy={loading} aria-label={view.mode}>
      <Trend view={view} round={round + ticks} />
      {items.length === 0 ? (
        <Nothing view={view} widen={widen} />
      ) : (
        <p className="hint">{count(total, view.mode === 'groups' ? 'group' : 'drop')}, times in UTC</p>
      )}
      <ol>
        {items.map((item) => (
          <Row key={item.id} item={item} current={item.id === view.open} open={open} />
        ))}
      </ol>
      {problem !== '' && <p className="problem">{problem}</p>}
      {last.pageInfo.hasNextPage && (
        <button type="button" className="more" onClick={load}>
          Show more
        </button>
      )}
    </section>
  );
}
