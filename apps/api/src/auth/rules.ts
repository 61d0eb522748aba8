import type { AuditedTable, Role } from '@whydrop/storage';

type Values = Readonly<Record<string, unknown>>;

/**
 * Who may ask for a root field.
 *
 * `reach`: what a token that is limited to namespaces gets of it. `rows`: only what is of its namespaces. `whole`: it tells
 * of all namespaces or of nodes, so such a token gets FORBIDDEN, whatever is stored.
 */
export interface Rule {
  readonly role: Role;
  readonly reach: 'rows' | 'whole';
  /** Of a mutation: what it changes, for the audit log. */
  readonly changes?: {
    readonly table: AuditedTable;
    /** Key of the row, of the arguments or, where it is new, of what the mutation answers. */
    readonly key: (args: Values, answer: Values) => unknown;
  };
}

const rows: Rule = { role: 'viewer', reach: 'rows' };
const whole: Rule = { role: 'viewer', reach: 'whole' };
/** For tokens and the audit log itself. */
const admin: Rule = { role: 'admin', reach: 'whole' };

type Key = NonNullable<Rule['changes']>['key'];

function operator(table: AuditedTable, key: Key): Rule {
  return { role: 'operator', reach: 'whole', changes: { table, key } };
}

const given =
  (name: string): Key =>
  (args) =>
    args[name];

const made =
  (name: string, key = 'id'): Key =>
  (_args, answer) =>
    (answer[name] as Values | null | undefined)?.[key];

/** Every root field has its line; one without is refused to everybody, and a test fails. */
export const RULES: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  Query: {
    alert: rows,
    alertRules: whole,
    alerts: rows,
    auditLog: admin,
    blockedConnectionTrend: rows,
    chainRules: whole,
    collectors: whole,
    countedDrops: rows,
    counterConservation: whole,
    counterConservationTotals: whole,
    deliveries: whole,
    delivery: whole,
    drop: rows,
    dropGroup: rows,
    dropGroups: rows,
    drops: rows,
    explain: whole,
    flows: whole,
    node: rows,
    nodes: rows,
    policies: rows,
    policy: rows,
    receiver: whole,
    receivers: whole,
    reconciliationFindings: rows,
    rejects: whole,
    silences: whole,
    tokens: admin,
    topBlocked: rows,
    workloads: rows,
    wouldChange: whole,
  },
  Mutation: {
    createAlertRule: operator('alert_rule', made('alertRule')),
    createReceiver: operator('receiver', made('receiver', 'name')),
    createSilence: operator('silence', made('silence')),
    createToken: { ...admin, changes: { table: 'api_token', key: made('token') } },
    deleteAlertRule: operator('alert_rule', given('id')),
    deleteReceiver: operator('receiver', given('name')),
    enableAlertRule: operator('alert_rule', given('id')),
    expireSilence: operator('silence', given('id')),
    redeliver: operator('alert_delivery', given('id')),
    revokeToken: { ...admin, changes: { table: 'api_token', key: given('id') } },
    sendTestMessage: operator('alert_delivery', made('delivery')),
    updateAlertRule: operator('alert_rule', given('id')),
    updateReceiver: operator('receiver', given('name')),
  },
  Subscription: {
    alertChanged: rows,
    dropObserved: rows,
  },
};
