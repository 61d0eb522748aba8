import type { Cause } from '@whydrop/model';

/** What a drop reason of a datapath means. `cause` is undefined where policy decides, or where nothing here fits. */
export interface ReasonMeaning {
  readonly meaning: string;
  readonly cause: Cause | undefined;
}

const POLICY = (where: string): ReasonMeaning => ({
  meaning: `a firewall policy denied it ${where}`,
  cause: undefined,
});
const GROUP = (where: string): ReasonMeaning => ({
  meaning: `a security group denied it ${where}`,
  cause: 'OTHER_FIREWALL',
});
const NETWORK = (where: string): ReasonMeaning => ({
  meaning: `a policy between virtual networks denied it ${where}`,
  cause: 'OTHER_FIREWALL',
});
const SERVICE = (where: string): ReasonMeaning => ({
  meaning: `a firewall service policy denied it ${where}`,
  cause: 'OTHER_FIREWALL',
});
const HERE = 'at the interface of the flow';
const THERE = 'at the other interface of this node';
const BACK = 'on the way back, for the flow began without a SYN';
const BACK_THERE = 'on the way back at the other interface of this node';

/** Reasons by the words of `flow -l`, with the text of the agent for the same (tf-vrouter `vr_flow.h`, tf-controller `flow_entry.cc`). */
const REASONS: readonly (readonly [string, string | undefined, ReasonMeaning])[] = [
  [
    'IntfErr',
    'Short flow Interface unavialable',
    { meaning: 'the interface is unknown to the agent', cause: 'ANTI_SPOOF_ENCAP_UNKNOWN_IF' },
  ],
  [
    'Ipv4Dis',
    'Short flow Ipv4 forwarding disabled',
    { meaning: 'IPv4 forwarding is off for the network', cause: undefined },
  ],
  ['VrfErr', 'Short flow VRF unavailable', { meaning: 'the routing instance is gone', cause: 'NO_ROUTE' }],
  ['NoSrcRt', 'Short flow No Source route', { meaning: 'there is no route back to the source', cause: 'NO_ROUTE' }],
  [
    'NoDstRt',
    'Short flow No Destination route',
    { meaning: 'there is no route to the destination', cause: 'NO_ROUTE' },
  ],
  [
    'Audit',
    'Short flow Audit Entry',
    { meaning: 'the agent did not decide the flow in time', cause: 'PROGRAMMING_RACE' },
  ],
  [
    'VrfChange',
    'Short flow VRF CHANGE',
    { meaning: 'the routing instance of the flow changed', cause: 'PROGRAMMING_RACE' },
  ],
  [
    'NoRevFlow',
    'Short flow No Reverse flow',
    { meaning: 'the entry of the way back is missing', cause: 'CT_INSERT_FAILED' },
  ],
  [
    'RevFlowChng',
    'Short flow Reverse flow change',
    { meaning: 'the entry of the way back changed', cause: 'PROGRAMMING_RACE' },
  ],
  ['NatChng', 'Short flow NAT Changed', { meaning: 'the translation of the flow changed', cause: 'CT_STALE_NAT' }],
  [
    'FlowLim',
    'Short flow Flow Limit Reached',
    { meaning: 'the workload has as many flows as it may', cause: 'RATE_OR_CONN_LIMIT' },
  ],
  [
    'LinkSrcNatErr',
    'Short flow Linklocal source NAT failed',
    { meaning: 'no port was left to translate to', cause: 'CT_INSERT_FAILED' },
  ],
  [
    'VrouterInstallFail',
    'Short flow vrouter install failed',
    { meaning: 'the flow table took no entry', cause: 'CT_TABLE_FULL' },
  ],
  ['InvalidL2Flow', 'Short flow invalid L2 flow', { meaning: 'the flow is no valid bridged flow', cause: undefined }],
  ['TSNFlow', 'Short flow TSN flow', { meaning: 'a service node does not forward it', cause: undefined }],
  ['NoMirrorentry', 'Short flow No mirror entry', { meaning: 'its mirror is missing', cause: undefined }],
  ['SameFlowRflowKey', 'Short flow same flow and rflow', { meaning: 'a pod reached itself', cause: 'HAIRPIN' }],
  ['NoFipPortMap', undefined, { meaning: 'the port of the service address leads nowhere', cause: 'NO_ENDPOINTS' }],
  [
    'NoSrcRtRpfNh',
    'Short flow No Source route for RPF NH',
    { meaning: 'it came from where its source does not live', cause: 'RP_FILTER' },
  ],
  [
    'FatFlowNatConflict',
    'Short flow Conflicting config for NAT and FAT flow',
    { meaning: 'NAT and flow folding contradict each other', cause: undefined },
  ],
  ['Policy', 'Flow drop Policy', NETWORK(HERE)],
  ['OutPolicy', 'Flow drop Out Policy', NETWORK(THERE)],
  ['SG', 'Flow drop SG', GROUP(HERE)],
  ['OutSG', 'Flow drop OUT SG', GROUP(THERE)],
  ['RevSG', 'Flow drop REVERSE SG', GROUP(BACK)],
  ['RevOutSG', 'Flow drop REVERSE OUT SG', GROUP(BACK_THERE)],
  ['FwPolicy', 'Flow drop Firewall Policy', POLICY(HERE)],
  ['OutFwPolicy', 'Flow drop OUT Firewall Policy', POLICY(THERE)],
  ['RevFwPolicy', 'Flow drop REVERSE Firewall Policy', POLICY(BACK)],
  ['RevOutFwPolicy', 'Flow drop REVERSE OUT Firewall Policy', POLICY(BACK_THERE)],
  ['FWAASPolicy', 'Flow drop FWAAS Policy', SERVICE(HERE)],
  ['OutFWAASPolicy', 'Flow drop OUT FWAAS Policy', SERVICE(THERE)],
  ['RevFWAASPolicy', 'Flow drop REVERSE FWAAS Policy', SERVICE(BACK)],
  ['RevOutFWAASPolicy', 'Flow drop REVERSE OUT FWAAS Policy', SERVICE(BACK_THERE)],
];

const BY_WORD: ReadonlyMap<string, ReasonMeaning> = new Map(
  REASONS.flatMap(([word, text, meaning]) => [
    [word, meaning] as const,
    ...(text === undefined ? [] : [[text, meaning] as const]),
  ]),
);

/** Every word that `flow -l` prints for a reason, `Unknown` apart. */
export const CONTRAIL_REASONS: readonly string[] = REASONS.map(([word]) => word);

/** What a reason of the vRouter means, as `flow -l` or the agent words it; undefined for `Unknown` and for codes. */
export function contrailReason(word: string): ReasonMeaning | undefined {
  return BY_WORD.get(word.trim());
}
