import { registerEnumType } from '@nestjs/graphql';
import { CAUSES, REJECT_REASONS } from '@whydrop/model';
import type {
  Basis,
  EvidenceChannel,
  ExplainedEnd,
  FlowEvent,
  PolicyDirection,
  PolicyPart,
  Verdict,
} from '@whydrop/model';

type Values<T extends string> = Readonly<Record<string, T>>;

/** Enum object with names in capitals: `kernel-log` becomes `KERNEL_LOG`. Complete: `docs` has an entry per value. */
function enumOf<T extends string>(name: string, description: string, docs: Readonly<Record<T, string>>): Values<T> {
  const nameOf = (value: string) => value.replaceAll('-', '_').toUpperCase();
  const entries = Object.entries<string>(docs);
  const values = Object.fromEntries(entries.map(([value]) => [nameOf(value), value as T]));
  const valuesMap = Object.fromEntries(entries.map(([value, doc]) => [nameOf(value), { description: doc }]));
  registerEnumType(values, { name, description, valuesMap });
  return values;
}

export const VerdictEnum = enumOf<Verdict>('Verdict', 'What happened to a connection.', {
  allowed: 'It was let through.',
  dropped: 'A rule dropped it.',
  rejected: 'A rule refused it with an answer.',
  failed: 'It failed and no rule stopped it: closed port, pod gone, lost on the way.',
  unknown: 'What was seen does not tell.',
});

export const BasisEnum = enumOf<Basis>('Basis', 'What an answer rests on.', {
  observed: 'The datapath named the rule.',
  counted: 'A counter of that rule moved.',
  derived: 'The evaluation of policies and rules says so.',
  unknown: 'Nothing decides; the missing facts are named.',
});

export const DirectionEnum = enumOf<PolicyDirection>('Direction', 'Side at which a policy decided.', {
  ingress: 'Into the destination.',
  egress: 'Out of the source.',
});

export const CauseEnum = enumOf('Cause', 'Why a connection failed.', CAUSES);

export const RejectReasonEnum = enumOf('RejectReason', 'Why a record was not understood.', REJECT_REASONS);

export const EndRoleEnum = enumOf<ExplainedEnd['role']>('EndRole', 'What an address was at that time.', {
  pod: 'A pod.',
  node: 'A node.',
  service: 'A service.',
  external: 'Outside the cluster.',
  unknown: 'Nothing known.',
});

export const PolicyPartEnum = enumOf<PolicyPart['part']>('PolicyPart', 'What a policy had to do with it.', {
  isolates: 'It selects the endpoint and no rule of it admits the connection.',
  denies: 'A rule of it denies the connection.',
  admits: 'A rule of it admits the connection.',
  passes: 'A rule of it passes the connection on to the next tier.',
});

export const EvidenceChannelEnum = enumOf<EvidenceChannel>('EvidenceChannel', 'How something was seen.', {
  trace: 'Netfilter trace.',
  nflog: 'NFLOG.',
  'kernel-log': 'Lines of the LOG target.',
  counter: 'Counter of a rule between two snapshots.',
  conntrack: 'Connection tracking.',
  ruleset: 'Walk through the stored ruleset.',
  policy: 'Evaluation of the policies.',
  'flow-log': 'Flow log with a verdict.',
  host: 'What a node said or counted of itself.',
});

export const FlowEventEnum = enumOf<FlowEvent>('FlowEvent', 'What conntrack reported.', {
  new: 'A connection began.',
  update: 'It changed its state.',
  destroy: 'It ended or expired.',
  entry: 'It was there when the table was listed.',
});
