import { Field, InputType } from '@nestjs/graphql';
import { checkSettings, receiverKind, type Words } from '@whydrop/notify';
import { userError, type UserError } from '../mutation/user-error.js';
import { ReceiverKindEnum } from './receiver.enums.js';

@InputType()
export class ReceiverSettingInput {
  @Field(() => String)
  name: string;

  @Field(() => String)
  value: string;
}

@InputType()
export class CreateReceiverInput {
  @Field(() => String, {
    description: 'How rules name it: letters, digits, `.`, `_`, `-`, up to 100. It cannot be changed.',
  })
  name: string;

  @Field(() => ReceiverKindEnum)
  kind: string;

  @Field(() => [ReceiverSettingInput], { defaultValue: [] })
  settings: ReceiverSettingInput[];

  @Field(() => [ReceiverSettingInput], { defaultValue: [], description: 'Sealed before they are stored.' })
  secrets: ReceiverSettingInput[];

  @Field(() => Boolean, { defaultValue: true })
  enabled: boolean;

  @Field(() => Boolean, { defaultValue: true })
  sendResolved: boolean;
}

@InputType({ description: 'What is left out stays as it is.' })
export class UpdateReceiverInput {
  @Field(() => [ReceiverSettingInput], { nullable: true, description: 'All settings: they replace those before.' })
  settings?: ReceiverSettingInput[] | null;

  @Field(() => [ReceiverSettingInput], { nullable: true, description: 'All secrets: they replace those before.' })
  secrets?: ReceiverSettingInput[] | null;

  @Field(() => Boolean, { nullable: true })
  enabled?: boolean | null;

  @Field(() => Boolean, { nullable: true })
  sendResolved?: boolean | null;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export function nameErrors(name: string): readonly UserError[] {
  if (NAME.test(name)) return [];
  return [
    userError('INVALID', 'input.name', "must be letters, digits, '.', '_' or '-', up to 100, a letter or digit first"),
  ];
}

/** Pairs as an object; a name that comes twice is told. */
function wordsOf(pairs: readonly ReceiverSettingInput[]): Words {
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
}

function twice(pairs: readonly ReceiverSettingInput[], place: string): readonly UserError[] {
  const names = pairs.map(({ name }) => name);
  const repeated = [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
  return repeated.map((name) => userError('INVALID', `input.${place}.${name}`, 'is given twice'));
}

interface Pairs {
  readonly settings: readonly ReceiverSettingInput[];
  readonly secrets: readonly ReceiverSettingInput[];
}

export interface CheckedSettings {
  readonly settings: Words;
  readonly secrets: Words;
  readonly errors: readonly UserError[];
}

/** Settings and secrets of a receiver of this kind, with what is wrong with them. */
export function checkedSettings(kindName: string, { settings, secrets }: Pairs): CheckedSettings {
  const words = { settings: wordsOf(settings), secrets: wordsOf(secrets) };
  const kind = receiverKind(kindName);
  const found = kind ? checkSettings(kind, words.settings, words.secrets) : [];
  const errors = [
    ...twice(settings, 'settings'),
    ...twice(secrets, 'secrets'),
    ...found.map(({ path, message }) => userError('INVALID', `input.${path}`, message)),
  ];
  return { ...words, errors };
}

export function pairsOf(words: Words): readonly ReceiverSettingInput[] {
  return Object.entries(words).map(([name, value]) => ({ name, value }));
}
