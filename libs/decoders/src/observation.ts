import type {
  FlowObservation,
  FlowVerdictObservation,
  InterfaceSnapshot,
  IpsetSnapshot,
  MetricSample,
  NftListing,
  NoticeObservation,
  ObjectChange,
  PacketObservation,
  Reject,
  RouteSnapshot,
  RulesetSnapshot,
  TraceObservation,
} from '@whydrop/model';

/** Everything a decoder can say, told apart by `kind`. */
export type Observation =
  | FlowObservation
  | FlowVerdictObservation
  | PacketObservation
  | TraceObservation
  | RulesetSnapshot
  | NftListing
  | IpsetSnapshot
  | InterfaceSnapshot
  | RouteSnapshot
  | ObjectChange
  | MetricSample
  | NoticeObservation;

export type Decoded = Observation | Reject;
