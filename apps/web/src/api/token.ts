const KEY = 'whydrop.token';

/** Takes a token out of the address (`#token=…`), so that it is neither shown nor kept in the history. */
function takeFromFragment(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return null;
  history.replaceState(null, '', location.pathname + location.search);
  return token.trim();
}

/** The token this browser uses; null when it has none yet. */
export function loadToken(): string | null {
  const given = takeFromFragment();
  if (given) localStorage.setItem(KEY, given);
  return given ?? localStorage.getItem(KEY);
}

export function saveToken(token: string): void {
  localStorage.setItem(KEY, token);
}

export function forgetToken(): void {
  localStorage.removeItem(KEY);
}
