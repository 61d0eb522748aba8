import type { Decoded } from '@whydrop/decoders';
import type {
  FlowObservation,
  FlowVerdictObservation,
  InterfaceSnapshot,
  IpsetSnapshot,
  MetricSample,
  NoticeObservation,
  ObjectChange,
  PacketObservation,
  Reject,
  RouteSnapshot,
  RulesetSnapshot,
  TraceObservation,
} from '@whydrop/model';
import { nativeRulesets } from '@whydrop/ruleset';

/** What a batch turned out to hold, sorted by where it is stored. */
export interface Sorted {
  readonly flows: FlowObservation[];
  readonly packets: (PacketObservation | TraceObservation)[];
  readonly rulesets: RulesetSnapshot[];
  readonly ipsets: IpsetSnapshot[];
  readonly interfaces: InterfaceSnapshot[];
  readonly hosts: RouteSnapshot[];
  readonly objects: ObjectChange[];
  readonly verdicts: FlowVerdictObservation[];
  readonly metrics: MetricSample[];
  readonly notices: NoticeObservation[];
  readonly rejects: Reject[];
}

function put(sorted: Sorted, item: Decoded): void {
  switch (item.kind) {
    case 'flow':
      return void sorted.flows.push(item);
    case 'packet':
    case 'trace':
      return void sorted.packets.push(item);
    case 'ruleset':
      return void sorted.rulesets.push(item);
    case 'nft-listing':
      return void sorted.rulesets.push(...nativeRulesets(item));
    case 'ipsets':
      return void sorted.ipsets.push(item);
    case 'interfaces':
      return void sorted.interfaces.push(item);
    case 'routes':
      return void sorted.hosts.push(item);
    case 'object':
      return void sorted.objects.push(item);
    case 'flow-verdict':
      return void sorted.verdicts.push(item);
    case 'metric':
      return void sorted.metrics.push(item);
    case 'notice':
      return void sorted.notices.push(item);
    case 'reject':
      return void sorted.rejects.push(item);
    default:
      return item satisfies never;
  }
}

/** Sorts what was decoded. */
export function sortDecoded(decoded: Iterable<Decoded>): Sorted {
  const sorted: Sorted = {
    flows: [],
    packets: [],
    rulesets: [],
    ipsets: [],
    interfaces: [],
    hosts: [],
    objects: [],
    verdicts: [],
    metrics: [],
    notices: [],
    rejects: [],
  };
  for (const item of decoded) put(sorted, item);
  return sorted;
}
