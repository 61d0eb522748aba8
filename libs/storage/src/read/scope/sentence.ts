import { CAUSES, type Cause, type PolicyDirection, type Verdict } from '@whydrop/model';
import type { DropDetail } from '../drop.read-model.js';

/** What a sentence can be made of when one end is withheld. */
export interface SeenDrop {
  readonly verdict: Verdict;
  readonly cause: Cause;
  readonly direction: PolicyDirection | null;
  readonly protocol: string;
  readonly destinationPort: number | null;
  readonly detail: Omit<DropDetail, 'sentence'>;
}

/** The explanation in one breath, without what is of other namespaces. */
export function seenSentence({ verdict, cause, direction, protocol, destinationPort, detail }: SeenDrop): string {
  const { source, destination } = detail;
  const port = destinationPort === null ? '' : `:${destinationPort}`;
  const where = direction === null ? '' : ` on ${direction}`;
  const decided = `${source.label} -> ${destination.label}${port}/${protocol} was ${verdict}${where}`;
  return `${decided}: ${CAUSES[cause]}. What is of other namespaces is withheld.`;
}
