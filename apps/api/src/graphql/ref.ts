/** Keeps a class out of the emitted metadata, where two classes name each other. */
export type Ref<T> = T;
