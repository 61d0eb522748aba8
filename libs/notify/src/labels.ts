import type { AlertMessage } from '@whydrop/alerting';
import type { Words } from './receiver.js';
import { amount, cut, details } from './text.js';

const MOST_LABELS = 30;
const MOST_NAME = 128;
const MOST_VALUE = 256;

/** A name that every Alertmanager takes: `[a-zA-Z_][a-zA-Z0-9_]*`. */
function labelName(name: string): string {
  const plain = name.replace(/[^a-zA-Z0-9_]/g, '_').slice(0, MOST_NAME);
  return /^[0-9]/.test(plain) ? `_${plain}`.slice(0, MOST_NAME) : plain;
}

const sorted = (pairs: readonly (readonly [string, string])[]) =>
  pairs.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** What identifies the alert, in Alertmanager's words: nothing in it changes while the alert fires. Sorted by name. */
export function labelsOf({ labels, ruleName, severity, cluster }: AlertMessage): Words {
  const own: readonly (readonly [string, string])[] = [
    ['alertname', ruleName],
    ['cluster', cluster],
    ['severity', severity],
  ];
  const given = sorted(Object.entries(labels).map(([name, value]) => [labelName(name), value]));
  const taken = new Set(own.map(([name]) => name));
  const others = given
    .filter(([name, value]) => name !== '' && value !== '' && !taken.has(name))
    .slice(0, MOST_LABELS - own.length);
  const all = sorted([...own, ...others]).filter(([, value]) => value !== '');
  return Object.fromEntries(all.map(([name, value]) => [name, cut(value, MOST_VALUE)]));
}

const MOST_SUMMARY = 1_024;
const MOST_DESCRIPTION = 3_000;

/** What describes it, as of this message. */
export function annotationsOf(message: AlertMessage): Words {
  const { summary, sentence, cause, policies } = message;
  const lines = details(message).map(([name, text]) => `${name}: ${text}`);
  const description = [...(sentence === null ? [] : [sentence]), ...lines].join('\n');
  return {
    ...(cause === null ? {} : { cause }),
    description: cut(description, MOST_DESCRIPTION),
    ...(policies.length === 0 ? {} : { policies: cut(policies.join(', '), MOST_SUMMARY) }),
    summary: cut(summary, MOST_SUMMARY),
    value: amount(message),
  };
}

const OFFSET = 14_695_981_039_346_656_037n;
const PRIME = 1_099_511_628_211n;

/** Alertmanager's fingerprint of a label set: FNV-1a of 64 bits over name, 0xFF, value, 0xFF of each label by name; 16 hex digits. */
export function fingerprint(labels: Words): string {
  let hash = OFFSET;
  const add = (byte: number) => {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME);
  };
  for (const [name, value] of sorted(Object.entries(labels))) {
    for (const byte of Buffer.from(name)) add(byte);
    add(0xff);
    for (const byte of Buffer.from(value)) add(byte);
    add(0xff);
  }
  return hash.toString(16).padStart(16, '0');
}
