import type { Change as Found } from '@whydrop/model';
import type { Change } from './change.type.js';

/** A change as the API shows it; stored ones were written as JSON, where an undefined field is an absent one. */
export function changeView({ kind, object, at, resourceVersion, sentence }: Found): Change {
  return { kind, object, at, resourceVersion: resourceVersion ?? null, sentence };
}
