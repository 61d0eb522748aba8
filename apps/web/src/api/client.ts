/** The token is missing, wrong or may not read. */
export class NotAllowed extends Error {}

interface Answer<T> {
  readonly data?: T | null;
  readonly errors?: readonly { readonly message: string }[];
}

/** Asks the API; throws with its own words when it cannot answer. */
export async function ask<T>(token: string, query: string, variables: object, signal?: AbortSignal): Promise<T> {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
    ...(signal ? { signal } : {}),
  });
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  const answer: Answer<T> = isJson ? ((await response.json()) as Answer<T>) : {};
  const message = answer.errors?.[0]?.message;
  if (response.status === 401 || response.status === 403) throw new NotAllowed(message ?? 'The token was refused.');
  if (message !== undefined || !answer.data) throw new Error(message ?? `The server answered ${response.status}.`);
  return answer.data;
}
