import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Field, ReceiverKind } from './receiver.js';
import { RECEIVERS } from './registry.js';
import { FIRING, outgoing, RESOLVED } from './sample-messages.js';

const HERE = import.meta.dirname;
const PAGE = path.resolve(HERE, '../../../docs/receivers.md');

function golden(file: string, text: string): void {
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  expect(readFileSync(file, 'utf8')).toBe(text);
}

/** A request as it goes out, its body spread over lines. */
function shown(kind: ReceiverKind, message: typeof FIRING): string {
  const request = kind.request(outgoing(message));
  if ('nothing' in request) throw new Error(request.nothing);
  return `${JSON.stringify({ ...request, body: JSON.parse(request.body) as unknown }, null, 2)}\n`;
}

describe.each(RECEIVERS.map((kind) => [kind.kind, kind] as const))('%s', (name, kind) => {
  it.each([
    ['firing', FIRING],
    ['resolved', RESOLVED],
  ] as const)('tells a %s alert as in its golden file', (status, message) => {
    golden(path.join(HERE, name, 'golden', `${status}.json`), shown(kind, message));
  });

  it('says the summary while it fires, and the same bytes on every try', () => {
    const [one, two] = [kind.request(outgoing(FIRING)), kind.request(outgoing(structuredClone(FIRING)))];
    expect(one).toEqual(two);
    expect(JSON.stringify(one)).toContain('Drops to pay/db:5432');
  });

  it('shows no secret in the settings', () => {
    const names = kind.fields.filter(({ secret }) => !secret).map((field) => field.name);
    expect(names.filter((each) => /token|password|secret|key$/i.test(each))).toEqual([]);
  });
});

it('every folder with a receiver is in the registry, every kind has one name', () => {
  const folders = readdirSync(HERE).filter((name) => statSync(path.join(HERE, name)).isDirectory() && name !== 'guard');
  expect(folders.toSorted()).toEqual(RECEIVERS.map(({ kind }) => kind).toSorted());
  for (const { kind } of RECEIVERS) expect(existsSync(path.join(HERE, kind, `${kind}.ts`))).toBe(true);
});

const HEAD = `# Receivers

How Whydrop tells people of an alert, written from \`libs/notify/src/registry.ts\` (\`UPDATE_DOCS=1\` writes it anew). A receiver is made with
the mutation \`createReceiver(input: {name, kind, settings, secrets})\` and tried with \`sendTestMessage\`; rules name it.

Every message is written into the database with the change of the alert's state, and sent until the receiver took it: after 2 s, 5 s, 15 s,
1, 5, 15 and 30 min, 2, 5, 10, 14, 20 and 24 h, each time a little more or less, then given up. \`Retry-After\` is kept to. A
receiver that fails again and again gets one message at a time; one that answers 410 is switched off. Of one alert a receiver is told in
order; a resolved waits until its firing was taken or given up. A message keeps its id over all tries, \`redeliver\` included, so that a
receiver can pass over what it has seen: it arrives at least once. A 4xx other than 408, 425 and 429 is final, and so is a 410.

Whydrop sends to public addresses only, by https, on the ports 80, 443, 8080, 8443 and 9093, and follows no redirect. A name is looked up once,
every address of the answer is judged, and the connection goes to the one that was judged. \`WHYDROP_WEBHOOK_ALLOW\` opens more: networks,
addresses and host names, each with or without \`:port\`, parted by commas (\`alertmanager.monitoring.svc:9093,10.96.0.0/12\`). Loopback, metadata
services and multicast open for entries that name just them. Proxies of the environment are not used.

Secrets are sealed with AES-256-GCM before they are stored and never shown again. The key is \`WHYDROP_SECRET_KEY\` (\`openssl rand -base64 32\`;
several, parted by commas, while it is changed: the first seals), else \`secret.key\` in the data home, made at the first start. Processes on
several machines need the same key. \`WHYDROP_PUBLIC_URL\` is the address that links in messages begin with.
`;

const field = ({ name, description, secret, required }: Field) =>
  `| \`${name}\` | ${secret ? 'secret' : 'setting'} | ${required ? 'yes' : 'no'} | ${description} |\n`;

function section({ kind, title, doc, fields }: ReceiverKind): string {
  const table = `| Name | Where | Needed | What |\n|---|---|---|---|\n${fields.map(field).join('')}`;
  return `\n## ${title} (\`${kind}\`)\n\n${doc}\n\n${table}`;
}

it('docs/receivers.md tells of every receiver', () => {
  const page = HEAD + RECEIVERS.map(section).join('');
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, page);
  expect(readFileSync(PAGE, 'utf8')).toBe(page);
});
