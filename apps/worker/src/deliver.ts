import {
  dnsLookup,
  parseAllowList,
  receiverKind,
  SEND_DEFAULTS,
  SLOW_AFTER,
  surroundingsOf,
  tell,
  type SendOptions,
  type Surroundings,
  type Told,
  type Words,
} from '@whydrop/notify';
import {
  type Claim,
  claimDeliveries,
  type Database,
  type DueReceiver,
  dueReceivers,
  finishDelivery,
  openSecretBox,
  openSecrets,
  pruneDeliveries,
  releaseClaims,
  type SecretBox,
} from '@whydrop/storage';
import { verdictOf } from './deliver-verdict.js';

export interface DeliveryOptions {
  readonly box: SecretBox;
  readonly surroundings: Surroundings;
  readonly send: Omit<SendOptions, 'signal'>;
  /** Messages that are under way to one receiver at once. */
  readonly perReceiver: number;
  readonly everyMs: number;
  /** Longer than a try can take: when it is over, the worker that held a delivery is dead. */
  readonly leaseSeconds: number;
  /** Seconds between tries; as libs/notify has it when left out. */
  readonly schedule?: readonly number[];
}

/** What the environment says about telling people. `own`: the address under which we are open, when nobody names another. */
export function deliveryOptions(
  environment: NodeJS.ProcessEnv,
  dataHome: () => string,
  version: string,
  own?: string,
): DeliveryOptions {
  return {
    box: openSecretBox(environment, dataHome),
    surroundings: surroundingsOf(environment, version, own),
    send: { allow: parseAllowList(environment['WHYDROP_WEBHOOK_ALLOW']), lookup: dnsLookup, ...SEND_DEFAULTS },
    perReceiver: 4,
    everyMs: 500,
    leaseSeconds: 45,
  };
}

/** Days for which finished deliveries can be looked after and sent again. */
const KEPT_DAYS = 90;
const HOUR_MS = 3_600_000;

export interface DelivererLog {
  error(fields: object, message: string): void;
}

/**
 *  alert_delivery --[claim: lease, oldest of each alert first]--> tell the receiver --> log, state, next try
 *
 * Every receiver has places of its own, so that one that hangs holds up nobody else. A worker that dies leaves a lease behind:
 * when that is over another takes the delivery, with the same key.
 */
export class Deliverer {
  private readonly underWay = new Map<number, number>();
  private readonly tries = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private stopped = false;
  private prunedAt = 0;
  private running: Promise<void> = Promise.resolve();
  private wake: () => void = () => undefined;

  constructor(
    private readonly database: Database,
    private readonly options: DeliveryOptions,
    private readonly log: DelivererLog,
  ) {}

  start(): void {
    this.running = this.run();
  }

  /** Takes nothing new; what is under way has so many milliseconds to end, then it is left to another. */
  async stop(patienceMs = 2_000): Promise<void> {
    this.stopped = true;
    this.wake();
    const patience = setTimeout(() => this.stopping.abort(), patienceMs);
    await this.running;
    await Promise.all(this.tries);
    clearTimeout(patience);
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const rest = this.rest();
      await this.round().catch((error: unknown) =>
        this.log.error({ error: String(error) }, 'what is to be delivered could not be looked up'),
      );
      await rest;
    }
  }

  private async round(): Promise<void> {
    await this.deliverDue();
    if (Date.now() - this.prunedAt < HOUR_MS) return;
    this.prunedAt = Date.now();
    await pruneDeliveries(this.database, KEPT_DAYS);
  }

  /** Until the next round is due, or a try ended since: its place is free for what waits. */
  private rest(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.stopped ? 0 : this.options.everyMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async deliverDue(): Promise<void> {
    for (const receiver of await dueReceivers(this.database)) {
      if (this.stopped) return;
      await this.claimFor(receiver);
    }
  }

  private async claimFor(receiver: DueReceiver): Promise<void> {
    const places = receiver.failures >= SLOW_AFTER ? 1 : this.options.perReceiver;
    const free = places - (this.underWay.get(receiver.id) ?? 0);
    if (free <= 0) return;
    const claims = await claimDeliveries(this.database, receiver.id, free, this.options.leaseSeconds);
    for (const claim of claims) this.begin(receiver, claim);
  }

  private begin(receiver: DueReceiver, claim: Claim): void {
    const count = (by: number) => this.underWay.set(receiver.id, (this.underWay.get(receiver.id) ?? 0) + by);
    count(1);
    const done = this.attempt(receiver, claim)
      .catch((error: unknown) => this.log.error({ error: String(error), key: claim.key }, 'a try was not written down'))
      .finally(() => {
        count(-1);
        this.tries.delete(done);
        this.wake();
      });
    this.tries.add(done);
  }

  private async attempt(receiver: DueReceiver, claim: Claim): Promise<void> {
    const startedAt = new Date();
    const told = await this.tell(receiver, claim, startedAt.getTime());
    if (this.stopping.signal.aborted && told.answer === null) return releaseClaims(this.database, [claim]);
    const { judgement, answer } = told;
    const attempt = {
      startedAt,
      millis: Date.now() - startedAt.getTime(),
      status: answer?.status ?? null,
      response: answer?.body ?? null,
      error: 'reason' in judgement ? judgement.reason : null,
    };
    const verdict = verdictOf(receiver, claim, judgement, {
      random: Math.random(),
      now: startedAt.getTime(),
      schedule: this.options.schedule,
    });
    await finishDelivery(this.database, claim, attempt, verdict);
  }

  private async tell(receiver: DueReceiver, claim: Claim, now: number): Promise<Told> {
    const kind = receiverKind(receiver.kind);
    const dead = (reason: string): Told => ({ judgement: { kind: 'dead', reason, disable: false }, answer: null });
    if (!kind) return dead(`this version has no receiver of kind ${receiver.kind}`);
    let secrets: Words;
    try {
      secrets = openSecrets(this.options.box, receiver.name, receiver.secrets, receiver.secretKeyId);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { judgement: { kind: 'retry', reason, afterSeconds: undefined }, answer: null };
    }
    const { key, message } = claim;
    const { name, settings } = receiver;
    const outgoing = { key, message, receiver: name, settings, secrets, now, surroundings: this.options.surroundings };
    return tell(kind, outgoing, { ...this.options.send, signal: this.stopping.signal });
  }
}
