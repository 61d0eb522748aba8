/** What the page shows: kept in its address, so that it can be sent to somebody. */
export interface View {
  readonly mode: 'groups' | 'drops';
  /** Length of time before now as the API reads it; `all` for everything. */
  readonly last: string;
  readonly namespace: string;
  readonly cause: string;
  readonly text: string;
  /** Also what no rule stopped. */
  readonly failed: boolean;
  readonly open: string;
}

export const RANGES: readonly (readonly [string, string])[] = [
  ['15m', '15 minutes'],
  ['1h', '1 hour'],
  ['24h', '24 hours'],
  ['7d', '7 days'],
  ['30d', '30 days'],
  ['all', 'All time'],
];

const START: View = { mode: 'groups', last: '24h', namespace: '', cause: '', text: '', failed: false, open: '' };

export function viewFromAddress(search: string): View {
  const params = new URLSearchParams(search);
  const text = (name: keyof View) => params.get(name) ?? String(START[name]);
  const last = RANGES.some(([value]) => value === params.get('last')) ? text('last') : START.last;
  return {
    mode: params.get('mode') === 'drops' ? 'drops' : 'groups',
    last,
    namespace: text('namespace'),
    cause: text('cause'),
    text: text('text'),
    failed: params.get('failed') === 'true',
    open: text('open'),
  };
}

export function addressOf(view: View): string {
  const changed = Object.entries(view).filter(([name, value]) => value !== START[name as keyof View]);
  const search = new URLSearchParams(changed.map(([name, value]) => [name, String(value)])).toString();
  return search === '' ? '/' : `/?${search}`;
}

/** The time of a view as the API reads it. */
export const timeRangeOf = ({ last }: View) => ({
  timeRange: last === 'all' ? { from: '1970-01-01T00:00:00Z' } : { last },
});

/** The filter of the API for a view, but for its time: the same for drops and groups, but for the words of a sentence. */
export function conditionOf({ mode, namespace, cause, text, failed }: View): object {
  const contains = { contains: text };
  const words = [{ workload: contains }, { policy: contains }, { node: contains }];
  const sentence = mode === 'drops' ? [{ sentence: { containsIgnoreCase: text } }] : [];
  return {
    ...(namespace === '' ? {} : { namespace: { eq: namespace } }),
    ...(cause === '' ? {} : { cause: { eq: cause } }),
    ...(failed || cause !== '' ? { verdict: { in: ['DROPPED', 'REJECTED', 'FAILED', 'UNKNOWN'] } } : {}),
    ...(text === '' ? {} : { or: [...words, ...sentence] }),
  };
}

export const filterOf = (view: View): object => ({ ...timeRangeOf(view), ...conditionOf(view) });
