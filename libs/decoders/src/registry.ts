import type { AnyDecoder, StreamContext } from './decoder.js';
import type { FormatId } from './format.js';
import { isReject, reject } from './lines.js';
import type { Decoded } from './observation.js';
import { conntrackDump } from './conntrack-dump/decoder.js';
import { conntrackEvents } from './conntrack-events/decoder.js';
import { interfaces } from './interfaces/decoder.js';
import { ip6tablesSave } from './ip6tables-save/decoder.js';
import { ipsetSave } from './ipset-save/decoder.js';
import { iptablesSave } from './iptables-save/decoder.js';
import { kernelLog } from './kernel-log/decoder.js';
import { kubernetesEvents } from './kubernetes-events/decoder.js';
import { kubernetesObjects } from './kubernetes-objects/decoder.js';
import { nfctJson } from './nfct-json/decoder.js';
import { nflogGprint } from './nflog-gprint/decoder.js';
import { nflogJson } from './nflog-json/decoder.js';
import { nftJson } from './nft-json/decoder.js';
import { conntrackXml } from './conntrack-xml/decoder.js';
import { conntrackSave } from './conntrack-save/decoder.js';
import { conntrackStats } from './conntrack-stats/decoder.js';
import { procNetStats } from './proc-net-stats/decoder.js';
import { ipsetList } from './ipset-list/decoder.js';
import { routes } from './routes/decoder.js';
import { sysctl } from './sysctl/decoder.js';
import { weaveNpcLog } from './weave-npc-log/decoder.js';
import { prometheusText } from './prometheus-text/decoder.js';
import { contrailFlow } from './contrail-flow/decoder.js';
import { contrailSessionLog } from './contrail-session-log/decoder.js';
import { calicoWhisker } from './calico-whisker/decoder.js';
import { calicoFlowLog } from './calico-flow-log/decoder.js';
import { ciliumHubble } from './cilium-hubble/decoder.js';
import { antreaNpLog } from './antrea-np-log/decoder.js';
import { awsNetworkPolicyLog } from './aws-network-policy-log/decoder.js';
import { ovnAclLog } from './ovn-acl-log/decoder.js';
import { gkePolicyLog } from './gke-policy-log/decoder.js';
import { mappedJson } from './mapped-json/decoder.js';
import { xtablesTrace } from './xtables-trace/decoder.js';

/** Every decoder, one line per format. */
export const decoders: readonly AnyDecoder[] = [
  conntrackEvents,
  conntrackDump,
  iptablesSave,
  ip6tablesSave,
  ipsetSave,
  nflogGprint,
  nflogJson,
  kernelLog,
  xtablesTrace,
  kubernetesObjects,
  kubernetesEvents,
  interfaces,
  conntrackXml,
  conntrackSave,
  conntrackStats,
  procNetStats,
  ipsetList,
  weaveNpcLog,
  prometheusText,
  contrailFlow,
  contrailSessionLog,
  calicoWhisker,
  calicoFlowLog,
  ciliumHubble,
  antreaNpLog,
  awsNetworkPolicyLog,
  ovnAclLog,
  gkePolicyLog,
  mappedJson,
  nfctJson,
  routes,
  sysctl,
  nftJson,
];

const byFormat: ReadonlyMap<string, AnyDecoder> = new Map(decoders.map((decoder) => [decoder.format, decoder]));

function isMany(normalised: Decoded | readonly Decoded[]): normalised is readonly Decoded[] {
  return Array.isArray(normalised);
}

/**
 * Decodes and normalises a payload, record by record, in the order of its lines. Input never makes it throw: what is
 * not understood comes out as a reject in its place.
 */
export function* decodeStream(format: FormatId, payload: string, context: StreamContext): Generator<Decoded> {
  const decoder = byFormat.get(format);
  if (!decoder) {
    yield reject('UNSUPPORTED', context.firstLine, payload, `No decoder reads the format ${format}.`);
    return;
  }
  for (const record of decoder.decode(payload, context)) {
    if (isReject(record)) {
      yield record;
      continue;
    }
    const normalised = decoder.normalise(record, context);
    if (isMany(normalised)) yield* normalised;
    else yield normalised;
  }
}
