import type { AlertMessage } from '@whydrop/alerting';

export type Words = Readonly<Record<string, string>>;

/** One setting or secret of a receiver. */
export interface Field {
  readonly name: string;
  /** For people: what to put there. */
  readonly description: string;
  readonly secret: boolean;
  readonly required: boolean;
  /** What is wrong with a value; undefined when nothing is. */
  readonly check?: (value: string) => string | undefined;
}

/** Where this process runs, as far as receivers have to know. */
export interface Surroundings {
  /** Address under which people open Whydrop, without a slash at its end; undefined: messages carry no link. */
  readonly publicUrl: string | undefined;
  readonly version: string;
  /** The Kubernetes cluster this process runs in, read anew for each message: its token changes. */
  readonly inCluster: () => InCluster | undefined;
}

export interface InCluster {
  readonly url: string;
  readonly token: string;
  readonly certificateAuthority: string | undefined;
}

/** One message on its way to one receiver. */
export interface Outgoing {
  /** `msg_…`, the same on every try. */
  readonly key: string;
  readonly message: AlertMessage;
  readonly receiver: string;
  readonly settings: Words;
  readonly secrets: Words;
  /** Milliseconds since 1970, of this try. */
  readonly now: number;
  readonly surroundings: Surroundings;
}

/** A POST. */
export interface Request {
  readonly url: string;
  readonly headers: Words;
  /** Exactly the bytes that go out, in UTF-8. */
  readonly body: string;
  /** PEM; in place of the well-known authorities. */
  readonly certificateAuthority?: string;
  /** The operator's surroundings name the target, not a user: it may be a private address. */
  readonly isOwnCluster?: true;
}

/** There is nothing to tell this receiver about this alert. */
export interface Nothing {
  readonly nothing: string;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly location: string | undefined;
  /** Its begin, in UTF-8. */
  readonly body: string;
}

export type Judgement =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly reason: string; readonly afterSeconds: number | undefined }
  | { readonly kind: 'dead'; readonly reason: string; readonly disable: boolean };

/** One way to tell people. Adding one: a folder, its goldens, and a line in the registry. */
export interface ReceiverKind {
  readonly kind: string;
  readonly title: string;
  /** A sentence or two for docs/receivers.md. */
  readonly doc: string;
  readonly fields: readonly Field[];
  readonly request: (outgoing: Outgoing) => Request | Nothing;
  /** Reads the answer where its status alone does not tell. */
  readonly judge?: (answer: Answer, now: number) => Judgement;
  /** Seconds until the newest message of an alert is told again; null: once is enough. `sinceDelivered` in seconds. */
  readonly repeatAfter?: (message: AlertMessage, sinceDelivered: number) => number | null;
}
