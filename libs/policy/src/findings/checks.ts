import type { MistakeCheck } from './context.js';
import { HIDDEN_CLIENT } from './hidden-client.js';
import { IGNORED_SECTION } from './ignored-section.js';
import { MATCHES_NOTHING } from './matches-nothing.js';
import { NOT_VALID } from './not-valid.js';
import { AND_PEER, OR_PEERS } from './one-dash.js';
import { SERVICE_PORT } from './service-port.js';
import { UNREACHABLE_RULE } from './unreachable.js';

/** One line per kind of mistake that can be seen in a policy; forgotten DNS is seen at the pods. */
export const MISTAKE_CHECKS: readonly MistakeCheck[] = [
  NOT_VALID,
  IGNORED_SECTION,
  OR_PEERS,
  AND_PEER,
  MATCHES_NOTHING,
  SERVICE_PORT,
  HIDDEN_CLIENT,
  UNREACHABLE_RULE,
];
