import { pauseAfter, receiverKind, retryDelay, type Told } from '@whydrop/notify';
import type { Claim, DeliveryVerdict, DueReceiver } from '@whydrop/storage';

interface Circumstances {
  /** In [0, 1). */
  readonly random: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly schedule: readonly number[] | undefined;
}

function repeatOf(receiver: DueReceiver, claim: Claim, now: number): number | null {
  const since = claim.deliveredAt === null ? 0 : (now - claim.deliveredAt.getTime()) / 1000;
  return receiverKind(receiver.kind)?.repeatAfter?.(claim.message, since) ?? null;
}

/** What is to be done after a try: nothing more, again later, or nothing at all any more. */
export function verdictOf(
  receiver: DueReceiver,
  claim: Claim,
  judgement: Told['judgement'],
  { random, now, schedule }: Circumstances,
): DeliveryVerdict {
  if (judgement.kind === 'delivered') {
    return { kind: 'delivered', repeatAfterSeconds: repeatOf(receiver, claim, now) };
  }
  if (judgement.kind !== 'retry') return judgement;
  const { reason, afterSeconds } = judgement;
  const delay = retryDelay(claim.isRepeat ? 1 : claim.attempts, random, schedule);
  if (delay === undefined) {
    return { kind: 'dead', reason: `given up after ${claim.attempts} tries: ${reason}`, disable: false };
  }
  // Who names a time means all messages, not this one.
  const pauseSeconds = afterSeconds ?? pauseAfter(receiver.failures + 1, random);
  return { kind: 'retry', afterSeconds: Math.max(delay, afterSeconds ?? 0), pauseSeconds };
}
