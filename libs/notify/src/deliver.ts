import { judgeStatus } from './judge.js';
import type { Answer, Judgement, Outgoing, ReceiverKind } from './receiver.js';
import { send, type SendOptions } from './send.js';

/** What telling one receiver once came to. */
export interface Told {
  readonly judgement: Judgement | { readonly kind: 'skipped'; readonly reason: string };
  /** null when there was none. */
  readonly answer: Answer | null;
}

/** Tells one receiver once. Never rejects for what the receiver or the network does. */
export async function tell(kind: ReceiverKind, outgoing: Outgoing, options: SendOptions): Promise<Told> {
  const request = kind.request(outgoing);
  if ('nothing' in request) return { judgement: { kind: 'skipped', reason: request.nothing }, answer: null };
  const sent = await send(request, options);
  if (sent.kind === 'answer') {
    const judge = kind.judge ?? judgeStatus;
    return { judgement: judge(sent.answer, outgoing.now), answer: sent.answer };
  }
  const { retry, error } = sent;
  const judgement: Judgement = retry
    ? { kind: 'retry', reason: error, afterSeconds: undefined }
    : { kind: 'dead', reason: error, disable: false };
  return { judgement, answer: null };
}
