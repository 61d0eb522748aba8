import type { ReasonMeaning } from '../contrail-flow/reason.js';

/** Reasons that are no policy and that mean one of our causes (cilium/cilium `api/v1/flow/flow.proto`, `DropReason`). */
const REASONS: Readonly<Record<string, ReasonMeaning>> = {
  POLICY_DENIED: { meaning: 'policies isolate the endpoint and nothing allows it', cause: undefined },
  POLICY_DENY: { meaning: 'a rule denies it', cause: undefined },
  AUTH_REQUIRED: { meaning: 'it is allowed, the mutual authentication is missing', cause: 'MESH_L7' },
  INVALID_SOURCE_IP: { meaning: 'the source is no address of the endpoint', cause: 'RP_FILTER' },
  INVALID_SOURCE_MAC: { meaning: 'the source is no hardware address of the endpoint', cause: 'RP_FILTER' },
  CT_TRUNCATED_OR_INVALID_HEADER: { meaning: 'conntrack could not read the header', cause: 'CT_INVALID' },
  CT_MISSING_TCP_ACK_FLAG: { meaning: 'a TCP segment without ACK belongs to no connection', cause: 'CT_INVALID' },
  CT_UNKNOWN_L4_PROTOCOL: { meaning: 'conntrack does not know the protocol', cause: 'CT_INVALID' },
  CT_MAP_INSERTION_FAILED: { meaning: 'the conntrack table took no entry', cause: 'CT_TABLE_FULL' },
  NO_MAPPING_FOR_NAT_MASQUERADE: { meaning: 'no port was left to translate to', cause: 'CT_INSERT_FAILED' },
  SNAT_NO_MAP_FOUND: { meaning: 'no port was left to translate to', cause: 'CT_INSERT_FAILED' },
  STALE_OR_UNROUTABLE_IP: { meaning: 'the address belongs to no endpoint any more', cause: 'POD_GONE' },
  UNKNOWN_CONNECTION_TRACKING_STATE: { meaning: 'conntrack is in a state that cannot be', cause: 'CT_INVALID' },
  SERVICE_BACKEND_NOT_FOUND: { meaning: 'the service has no backend', cause: 'NO_ENDPOINTS' },
  DENIED_BY_LB_SRC_RANGE_CHECK: { meaning: 'the client is outside loadBalancerSourceRanges', cause: 'LB_SOURCE_RANGE' },
  FIB_LOOKUP_FAILED: { meaning: 'the kernel found no route', cause: 'NO_ROUTE' },
  NO_TUNNEL_OR_ENCAPSULATION_ENDPOINT: { meaning: 'no node is known for the address', cause: 'NO_ROUTE' },
  UNROUTABLE: { meaning: 'there is no route', cause: 'NO_ROUTE' },
  TTL_EXCEEDED: { meaning: 'the packet went in circles', cause: 'NO_ROUTE' },
  FIB_NO_NEIGH: { meaning: 'the next hop has no hardware address', cause: 'NEIGH_FAIL' },
  NO_EGRESS_GATEWAY: { meaning: 'the egress gateway is missing', cause: 'NO_ROUTE' },
  PACKET_TOO_BIG: { meaning: 'the packet is larger than the path takes', cause: 'MTU' },
  FRAGMENTATION_NEEDED: { meaning: 'the packet is larger than the path takes', cause: 'MTU' },
  DROP_EP_NOT_READY: { meaning: 'the endpoint was not programmed yet', cause: 'PROGRAMMING_RACE' },
  DROP_RATE_LIMITED: { meaning: 'over the rate limit', cause: 'RATE_OR_CONN_LIMIT' },
  PROXY_REDIRECTION_NOT_SUPPORTED_FOR_PROTOCOL: { meaning: 'the proxy does not take the protocol', cause: 'MESH_L7' },
};

/** What a drop reason of Hubble means; undefined for those that say nothing here. */
export function hubbleReason(word: string): ReasonMeaning | undefined {
  return Object.hasOwn(REASONS, word) ? REASONS[word] : undefined;
}
