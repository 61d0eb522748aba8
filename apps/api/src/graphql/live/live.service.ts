import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type LiveChange, type LiveFeed, openLiveFeed } from '@whydrop/storage';
import { asAsked } from '../../auth/asking.js';
import { API_OPTIONS, type ApiOptions } from '../../options.js';
import { graphqlError } from '../server/graphql-error.js';
import { LiveQueue } from './live-queue.js';
import { LiveStream, type Told } from './live-stream.js';
import { UNKNOWN } from './live.type.js';

/** Ids one subscription holds at most. */
const QUEUE_LIMIT = 1_000;
/** Subscriptions of one process at most. */
const MOST_STREAMS = 1_000;

/** Gives subscriptions what is committed, from one connection that listens for all of them. */
@Injectable()
export class LiveService implements OnApplicationShutdown {
  private readonly feed: LiveFeed;
  private streams = 0;

  constructor(@Inject(API_OPTIONS) options: ApiOptions) {
    this.feed = openLiveFeed(options.database);
  }

  /** Subscriptions that are under way. */
  get count(): number {
    return this.streams;
  }

  /** Changes of this kind from now on; `first` is given before them, and read when listening has begun. */
  async open<T>(
    kind: 'drops' | 'alert',
    told: Omit<Told<T>, 'onEnd'>,
    first: () => Promise<readonly T[]> = () => Promise.resolve([]),
  ): Promise<LiveStream<T>> {
    if (this.streams >= MOST_STREAMS)
      throw graphqlError('RATELIMITED', `${MOST_STREAMS} subscriptions are open already`);
    const queue = new LiveQueue<string>(QUEUE_LIMIT);
    const stop = await this.feed.listen((change) => hear(queue, kind, change));
    this.streams += 1;
    let ended = false;
    const onEnd = (): void => {
      if (ended) return;
      ended = true;
      this.streams -= 1;
      stop();
    };
    try {
      return new LiveStream(queue, { ...told, read: asAsked(told.read), onEnd }, await first());
    } catch (error) {
      onEnd();
      throw error;
    }
  }

  onApplicationShutdown(): Promise<void> {
    return this.feed.close();
  }
}

function hear(queue: LiveQueue<string>, kind: 'drops' | 'alert', change: LiveChange): void {
  if (change.kind === 'gap') queue.miss(UNKNOWN);
  else if (change.kind === 'drops' && kind === 'drops') {
    queue.push(...change.ids);
    if (change.more > 0) queue.miss(change.more);
  } else if (change.kind === 'alert' && kind === 'alert') queue.push(change.id);
}
