import type { Instant } from './time.js';

/** One route of a node (`ip -j route show table all`). */
export interface Route {
  /** Network in canonical spelling, `default`, or a single address. */
  readonly destination: string;
  /** `unicast`, `blackhole`, `unreachable`, `prohibit`, `throw`, `local`, `broadcast`, `multicast`. */
  readonly type: string;
  /** `main`, `local`, a number. */
  readonly table: string;
  readonly gateway: string | undefined;
  readonly device: string | undefined;
  /** Preferred source address. */
  readonly source: string | undefined;
  readonly metric: number | undefined;
}

/** All routes of a node at one moment. */
export interface RouteSnapshot {
  readonly kind: 'routes';
  readonly observedAt: Instant;
  readonly routes: readonly Route[];
}
