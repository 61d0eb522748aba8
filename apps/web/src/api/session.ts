import { createContext, useContext } from 'react';

export interface Session {
  readonly token: string;
  /** The token does not serve any more, and why. */
  readonly refuse: (reason: string) => void;
}

export const SessionContext = createContext<Session>({ token: '', refuse: () => undefined });

export function useSession(): Session {
  return useContext(SessionContext);
}
