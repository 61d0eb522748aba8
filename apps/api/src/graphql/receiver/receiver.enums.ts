import { registerEnumType } from '@nestjs/graphql';
import { RECEIVERS } from '@whydrop/notify';

const nameOf = (value: string) => value.replaceAll('-', '_').toUpperCase();

function enumOf(name: string, description: string, docs: Readonly<Record<string, string>>) {
  const values = Object.fromEntries(Object.keys(docs).map((value) => [nameOf(value), value]));
  const valuesMap = Object.fromEntries(
    Object.entries(docs).map(([value, doc]) => [nameOf(value), { description: doc }]),
  );
  registerEnumType(values, { name, description, valuesMap });
  return values;
}

export const ReceiverKindEnum = enumOf(
  'ReceiverKind',
  'How people are told; docs/receivers.md has the settings of each.',
  Object.fromEntries(RECEIVERS.map(({ kind, title }) => [kind, `${title}.`])),
);

export const DeliveryStateEnum = enumOf('DeliveryState', 'How far a message has come.', {
  pending: 'It will be sent, or sent again.',
  delivered: 'The receiver took it.',
  dead: 'It was refused, or given up after days.',
  skipped: 'Nobody was to be told.',
});

export const DeliveryStatusEnum = enumOf('DeliveryStatus', 'What a message tells.', {
  firing: 'The alert fires.',
  resolved: 'It is over.',
  test: 'Somebody tries the receiver.',
});

export const AttemptOutcomeEnum = enumOf('DeliveryAttemptOutcome', 'What a try came to.', {
  delivered: 'The receiver took it.',
  retry: 'It failed and is tried again.',
  dead: 'It failed for good.',
  skipped: 'There was nothing to tell.',
});
