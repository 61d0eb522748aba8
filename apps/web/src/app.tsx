import { useCallback, useEffect, useMemo, useState } from 'react';
import { addressOf, viewFromAddress, type View } from './api/filter';
import { SessionContext } from './api/session';
import { forgetToken, loadToken, saveToken } from './api/token';
import { Detail } from './detail/detail';
import { Filters } from './list/filters';
import { List } from './list/list';
import { ThemeSwitch } from './parts/theme-switch';
import { TokenForm } from './parts/token-form';

/** The view as the address has it. Opening and closing an explanation are steps back and forth, filters are not. */
function useView(): readonly [View, (change: Partial<View>) => void] {
  const [view, setView] = useState(() => viewFromAddress(location.search));
  useEffect(() => {
    const onPop = () => setView(viewFromAddress(location.search));
    addEventListener('popstate', onPop);
    return () => removeEventListener('popstate', onPop);
  }, []);
  const change = useCallback(
    (part: Partial<View>) => {
      const next = { ...view, ...part };
      if (next.open !== view.open) history.pushState(null, '', addressOf(next));
      else history.replaceState(null, '', addressOf(next));
      setView(next);
    },
    [view],
  );
  return [view, change];
}

function Pages() {
  const [view, change] = useView();
  const [round, setRound] = useState(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && view.open !== '') change({ open: '' });
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [view.open, change]);
  return (
    <div className={view.open === '' ? 'page' : 'page has-detail'}>
      <header className="top">
        <h1>Whydrop</h1>
        <Filters view={view} change={change} refresh={() => setRound((n) => n + 1)} />
        <ThemeSwitch />
      </header>
      <main>
        <List view={view} round={round} open={(id) => change({ open: id })} widen={() => change({ last: 'all' })} />
        {view.open !== '' && <Detail key={view.open} id={view.open} close={() => change({ open: '' })} />}
      </main>
    </div>
  );
}

/** Asks for a token once, then shows what was dropped. */
export function App() {
  const [token, setToken] = useState(loadToken);
  const [reason, setReason] = useState('');
  const refuse = useCallback((why: string) => {
    forgetToken();
    setReason(why);
    setToken(null);
  }, []);
  const session = useMemo(() => ({ token: token ?? '', refuse }), [token, refuse]);
  if (token === null) {
    const accept = (given: string) => {
      saveToken(given);
      setReason('');
      setToken(given);
    };
    return <TokenForm reason={reason} accept={accept} />;
  }
  return (
    <SessionContext value={session}>
      <Pages />
    </SessionContext>
  );
}
