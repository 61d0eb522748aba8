import type { DropRow } from '@whydrop/storage';
import type { End, Evidence } from '../explanation/explanation.type.js';
import { endOf, evidenceOf } from '../explanation/explanation.view.js';
import { globalId } from '../page/global-id.js';
import type { Drop, OriginalDestination } from './drop.type.js';

/** A row as the API shows it: what a query does not ask for is not made. */
class SeenDrop implements Drop {
  readonly __typename = 'Drop';

  constructor(private readonly row: DropRow) {}

  get id(): string {
    return globalId('Drop', this.row.id);
  }
  get key(): string {
    return this.row.id;
  }
  get cluster(): string {
    return this.row.cluster;
  }
  get groupId(): string {
    return this.row.groupId;
  }
  get explanationId(): string {
    return this.row.explanationId;
  }
  get firstSeenAt(): number {
    return this.row.firstSeenAt;
  }
  get lastSeenAt(): number {
    return this.row.lastSeenAt;
  }
  get sourcePort(): number | null {
    return this.row.sourcePort;
  }
  get destinationPort(): number | null {
    return this.row.destinationPort;
  }
  get protocol(): string {
    return this.row.protocol;
  }
  get attempts(): number {
    return this.row.attempts;
  }
  get packets(): number {
    return this.row.packets;
  }
  get verdict(): Drop['verdict'] {
    return this.row.verdict;
  }
  get cause(): Drop['cause'] {
    return this.row.cause;
  }
  get direction(): Drop['direction'] {
    return this.row.direction;
  }
  get source(): End {
    return endOf(this.row.detail.source);
  }
  get destination(): End {
    return endOf(this.row.detail.destination);
  }
  get original(): OriginalDestination | null {
    const { original } = this.row.detail;
    if (!original) return null;
    const { destination, destinationPort, service } = original;
    return { destination, destinationPort: destinationPort ?? null, service: service ?? null };
  }
  get translatedSource(): string | null {
    return this.row.detail.translatedSource ?? null;
  }
  get sentence(): string {
    return this.row.detail.sentence;
  }
  get evidence(): readonly Evidence[] {
    return this.row.detail.evidence.map(evidenceOf);
  }
  get withheld(): readonly string[] {
    return this.row.detail.withheld ?? [];
  }
}

export function dropOf(row: DropRow): Drop {
  return new SeenDrop(row);
}
