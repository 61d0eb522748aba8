import type { AlertMessage } from '@whydrop/alerting';
import type { Outgoing, ReceiverKind, Request } from '../receiver.js';
import { checkUrl } from '../settings.js';
import { cut, details, isoOf, linkOf, statusWord } from '../text.js';

/** A message of Teams has at most 28 kB; our texts come to a third of it. */
const MOST_TEXT = 2_000;
const MOST_DETAIL = 500;

const COLOURS = { critical: 'Attention', warning: 'Warning', info: 'Accent' } as const;

// Runs of rich text are never read as markdown: what a label holds stays text.
function paragraph(...inlines: readonly object[]): object {
  return { type: 'RichTextBlock', inlines };
}

function run(text: string, look: object = {}): object {
  return { type: 'TextRun', text, ...look };
}

function cardBody(message: AlertMessage): readonly object[] {
  const colour = message.status === 'resolved' ? 'Good' : COLOURS[message.severity];
  const title = cut(`${statusWord(message)}: ${message.ruleName}`, 200);
  const end = message.endsAt === null ? '' : ` until ${isoOf(message.endsAt)}`;
  return [
    paragraph(run(title, { size: 'Large', weight: 'Bolder', color: colour })),
    paragraph(run(cut(message.summary, 1_024), { weight: 'Bolder' })),
    ...(message.sentence === null ? [] : [paragraph(run(cut(message.sentence, MOST_TEXT)))]),
    ...details(message).map(([name, text]) =>
      paragraph(run(`${name}: `, { weight: 'Bolder' }), run(cut(text, MOST_DETAIL))),
    ),
    paragraph(run(`since ${isoOf(message.startsAt)}${end} · cluster ${cut(message.cluster, 200)}`, { isSubtle: true })),
  ];
}

function request({ message, secrets, surroundings }: Outgoing): Request {
  const link = linkOf(message, surroundings.publicUrl);
  const actions = link === undefined ? {} : { actions: [{ type: 'Action.OpenUrl', title: 'Why?', url: link }] };
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: cardBody(message),
    ...actions,
    msteams: { width: 'Full' },
  };
  const attachment = { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content };
  return {
    url: secrets['url'] ?? '',
    headers: { 'content-type': 'application/json', 'user-agent': `Whydrop/${surroundings.version}` },
    body: JSON.stringify({ type: 'message', attachments: [attachment] }),
  };
}

export const teams: ReceiverKind = {
  kind: 'teams',
  title: 'Microsoft Teams',
  doc: 'A workflow “when a Teams webhook request is received”: posts an adaptive card. Teams knows no resolved: a second card tells it.',
  fields: [
    {
      name: 'url',
      description: 'address of the workflow; who has it may post, so it is kept secret',
      secret: true,
      required: true,
      check: checkUrl,
    },
  ],
  request,
};
