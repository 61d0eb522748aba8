import { alertmanager } from './alertmanager/alertmanager.js';
import { kubernetesEvent } from './kubernetes-event/kubernetes-event.js';
import { pagerduty } from './pagerduty/pagerduty.js';
import type { ReceiverKind } from './receiver.js';
import { slack } from './slack/slack.js';
import { teams } from './teams/teams.js';
import { webhook } from './webhook/webhook.js';

/** Every way to tell people, in the order of docs/receivers.md. */
export const RECEIVERS: readonly ReceiverKind[] = [webhook, alertmanager, slack, pagerduty, teams, kubernetesEvent];

export function receiverKind(kind: string): ReceiverKind | undefined {
  return RECEIVERS.find((each) => each.kind === kind);
}
