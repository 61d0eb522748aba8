import type { AlertMessage } from '@whydrop/alerting';
import { judgeStatus } from '../judge.js';
import type { Answer, Judgement, Outgoing, ReceiverKind, Request } from '../receiver.js';
import { checkUrl } from '../settings.js';
import { cut, details, isoOf, linkOf, statusWord } from '../text.js';

/** Slack's limits: header 150, section 3000, ten fields of 2000. All together stays below 8000. */
const HEADER = 150;
const SECTION = 2_900;
const FIELD = 500;
const FIELDS = 8;
const URL_LENGTH = 3_000;

const ICONS = { critical: '🔴', warning: '🟠', info: '🔵' } as const;

/** Text that nobody outside can make a mention, a link or a command of; cut before, so that no entity is cut in two. */
function escaped(text: string, most: number): string {
  const write = (length: number) =>
    cut(text, length).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  let length = most;
  while (write(length).length > most) length = Math.floor(length * 0.9);
  return write(length);
}

function titleOf(message: AlertMessage): string {
  const icon = message.status === 'resolved' ? '✅' : ICONS[message.severity];
  return cut(`${icon} ${statusWord(message)}: ${message.ruleName}`, HEADER);
}

function sinceOf({ startsAt, endsAt, cluster }: AlertMessage): string {
  const at = (instant: number) =>
    `<!date^${Math.floor(instant / 1_000_000)}^{date_short_pretty} {time_secs}|${isoOf(instant)}>`;
  const end = endsAt === null ? '' : ` until ${at(endsAt)}`;
  return `since ${at(startsAt)}${end} · cluster ${escaped(cluster, 200)}`;
}

function blocksOf(message: AlertMessage, link: string | undefined): readonly object[] {
  const text = [`*${escaped(message.summary, 1_024)}*`];
  if (message.sentence !== null) text.push(escaped(message.sentence, SECTION - 1_100));
  const fields = details(message)
    .slice(0, FIELDS)
    .map(([name, value]) => ({ type: 'mrkdwn', text: `*${name}*\n${escaped(value, FIELD)}` }));
  const button = { type: 'button', text: { type: 'plain_text', text: 'Why?' }, url: link };
  return [
    { type: 'header', text: { type: 'plain_text', text: titleOf(message), emoji: true } },
    { type: 'section', text: { type: 'mrkdwn', text: text.join('\n') } },
    ...(fields.length === 0 ? [] : [{ type: 'section', fields }]),
    { type: 'context', elements: [{ type: 'mrkdwn', text: sinceOf(message) }] },
    ...(link === undefined || link.length > URL_LENGTH ? [] : [{ type: 'actions', elements: [button] }]),
  ];
}

function request({ message, secrets, surroundings }: Outgoing): Request {
  const link = linkOf(message, surroundings.publicUrl);
  const text = `${statusWord(message)}: ${escaped(message.summary, 1_024)}`;
  const headers = { 'content-type': 'application/json', 'user-agent': `Whydrop/${surroundings.version}` };
  return { url: secrets['url'] ?? '', headers, body: JSON.stringify({ text, blocks: blocksOf(message, link) }) };
}

/** Slack says `ok`; anything else with a 200 was not told. */
function judge(answer: Answer, now: number): Judgement {
  const judged = judgeStatus(answer, now);
  if (judged.kind === 'delivered') {
    if (answer.body.trim() === 'ok') return judged;
    return { kind: 'retry', reason: `answered ${answer.status} without 'ok'`, afterSeconds: undefined };
  }
  const said = answer.body.trim().slice(0, 60);
  return judged.kind === 'dead' && /^[a-z_]+$/.test(said)
    ? { ...judged, reason: `answered ${answer.status} ${said}` }
    : judged;
}

export const slack: ReceiverKind = {
  kind: 'slack',
  title: 'Slack',
  doc: 'An incoming webhook of a Slack app. Slack knows no resolved: a second message tells it.',
  fields: [
    {
      name: 'url',
      description: '`https://hooks.slack.com/services/…`; who has it may post, so it is kept secret',
      secret: true,
      required: true,
      check: checkUrl,
    },
  ],
  request,
  judge,
};
