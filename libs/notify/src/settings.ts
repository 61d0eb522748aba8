import type { Field, ReceiverKind, Words } from './receiver.js';

export interface SettingsError {
  /** `settings.url`, `secrets.token`. */
  readonly path: string;
  readonly message: string;
}

const MOST_CHARACTERS = 16_384;

function fault(field: Field, value: string | undefined): string | undefined {
  if (value === undefined || value === '') return field.required ? `is needed: ${field.description}` : undefined;
  if (value.length > MOST_CHARACTERS) return `is longer than ${MOST_CHARACTERS} characters`;
  return field.check?.(value);
}

/** What is wrong with the settings of a receiver of this kind; none: it may be stored. */
export function checkSettings(
  { kind, fields }: ReceiverKind,
  settings: Words,
  secrets: Words,
): readonly SettingsError[] {
  const errors: SettingsError[] = [];
  for (const [place, words] of Object.entries({ settings, secrets })) {
    const known = fields.filter(({ secret }) => secret === (place === 'secrets'));
    for (const name of Object.keys(words)) {
      if (known.some((field) => field.name === name)) continue;
      const names = known.map((field) => field.name).join(', ') || 'none';
      errors.push({ path: `${place}.${name}`, message: `${kind} has no such ${place.slice(0, -1)}; it has: ${names}` });
    }
    for (const field of known) {
      const message = fault(field, Object.hasOwn(words, field.name) ? words[field.name] : undefined);
      if (message !== undefined) errors.push({ path: `${place}.${field.name}`, message });
    }
  }
  return errors;
}

/** Check of an address: what can be said without asking DNS. */
export function checkUrl(value: string): string | undefined {
  if (!URL.canParse(value)) return 'is not an absolute URL';
  const { protocol, username, password } = new URL(value);
  if (protocol !== 'https:' && protocol !== 'http:') return 'must begin with https:// or http://';
  if (username !== '' || password !== '') return 'must hold no user and no password: they have settings of their own';
  return undefined;
}

export function checkOneOf(...values: readonly string[]) {
  return (value: string) => (values.includes(value) ? undefined : `must be one of ${values.join(', ')}`);
}
