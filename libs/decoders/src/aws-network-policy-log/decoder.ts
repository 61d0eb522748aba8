import { instantFromRfc3339, protocolFromName } from '@whydrop/model';
import type { Denial, FlowVerdict, FlowVerdictObservation, Instant, Reject } from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import { containerLine } from '../container-log.js';
import type { Decoder, StreamContext } from '../decoder.js';
import { isObject, numberOf, parseJson, textOf } from '../json.js';
import type { JsonObject } from '../json.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { instantOfMicros } from '../local-time.js';
import { flowEnds, flowVerdict, portOf } from '../verdict.js';

/** One flow line of the agent, whichever version and way it came. */
export interface AwsFlow {
  readonly at: Instant | undefined;
  readonly source: string;
  readonly sourcePort: string;
  readonly destination: string;
  readonly destinationPort: string;
  readonly protocol: string;
  readonly verdict: string;
  readonly direction: string | undefined;
  readonly tier: string | undefined;
  readonly node: string | undefined;
  readonly raw: string;
  readonly line: number;
}

const MESSAGE =
  /Src IP:? (\S{1,64}) Src Port:? (\d{1,5}) Dest IP:? (\S{1,64}) Dest Port:? (\d{1,5}) Proto:? ([A-Z]{2,12}(?: PROTOCOL)?) Verdict:? (\S{1,20})(?: Direction:? (\w{1,10}))?(?:,? Tier:? (\S{1,20}))?/;
const CLOUD_WATCH =
  /Node: (\S{1,255});SIP: (\S{1,64});SPORT: (\d{1,5});DIP: (\S{1,64});DPORT: (\d{1,5});PROTOCOL: ([A-Z ]{2,20});PolicyVerdict: ([A-Z/]{1,20})(?:;Tier: (\w{1,20}))?/;
const VERDICTS: Readonly<Record<string, FlowVerdict>> = { DENY: 'dropped', ACCEPT: 'allowed' };

/** zap prints RFC 3339, or seconds since 1970 as a number. */
function zapTime(entry: JsonObject): Instant | undefined {
  const seconds = numberOf(entry, 'ts');
  if (seconds !== undefined) return instantOfMicros(Math.round(seconds * 1e6));
  return instantFromRfc3339(textOf(entry, 'ts') ?? textOf(entry, 'timestamp') ?? '');
}

/** Until 1.2.1 the flow stands in fields of its own. */
function structured(entry: JsonObject): Omit<AwsFlow, 'raw' | 'line' | 'at'> | undefined {
  const [source, destination] = [textOf(entry, 'Src IP'), textOf(entry, 'Dest IP')];
  if (source === undefined || destination === undefined) return undefined;
  return {
    source,
    destination,
    sourcePort: String(numberOf(entry, 'Src Port') ?? ''),
    destinationPort: String(numberOf(entry, 'Dest Port') ?? ''),
    protocol: textOf(entry, 'Proto') ?? '',
    verdict: textOf(entry, 'Verdict') ?? '',
    direction: textOf(entry, 'Direction'),
    tier: textOf(entry, 'Tier'),
    node: undefined,
  };
}

function fromMessage(message: string): Omit<AwsFlow, 'raw' | 'line' | 'at'> | undefined {
  const flow = MESSAGE.exec(message);
  if (flow) {
    const [
      ,
      source = '',
      sourcePort = '',
      destination = '',
      destinationPort = '',
      protocol = '',
      verdict = '',
      direction,
      tier,
    ] = flow;
    return { source, sourcePort, destination, destinationPort, protocol, verdict, direction, tier, node: undefined };
  }
  const cloud = CLOUD_WATCH.exec(message);
  if (!cloud) return undefined;
  const [
    ,
    node,
    source = '',
    sourcePort = '',
    destination = '',
    destinationPort = '',
    protocol = '',
    verdict = '',
    tier,
  ] = cloud;
  return { source, sourcePort, destination, destinationPort, protocol, verdict, direction: undefined, tier, node };
}

/** The agent logs much else: only flow lines are taken. A flow line of a shape that no version printed is refused. */
function readLine(line: Line): AwsFlow | Reject | undefined {
  const wrapped = containerLine(line.text);
  const parsed = wrapped.text.startsWith('{') ? parseJson(wrapped.text) : undefined;
  if (wrapped.text.startsWith('{') && !isObject(parsed))
    return reject('TRUNCATED', line.number, line.text, 'The JSON object is not complete.');
  const entry = isObject(parsed) ? parsed : undefined;
  const message = entry ? (textOf(entry, 'msg') ?? textOf(entry, 'message') ?? '') : wrapped.text;
  const found = (entry && structured(entry)) ?? fromMessage(message);
  const at = (entry && zapTime(entry)) ?? wrapped.at;
  if (found) return { ...found, at, raw: line.text, line: line.number };
  if (!/Flow Info: +Src IP|;SIP: /.test(message)) return undefined;
  return reject('TRUNCATED', line.number, line.text, 'Expected addresses, ports, protocol and verdict of a flow.');
}

/** A tier names the kind of policy; `DEFAULT` and `NETWORK_POLICY` denials are those of isolation, for there are no deny rules. */
function denialOf(verdict: FlowVerdict, tier: string | undefined): Denial | undefined {
  if (verdict !== 'dropped') return undefined;
  if (tier === undefined) return 'policy';
  if (tier === 'ADMIN' || tier === 'BASELINE') return 'explicit';
  return tier === 'ERROR' ? 'other' : 'default';
}

function normalise(flow: AwsFlow, context: StreamContext): FlowVerdictObservation | Reject {
  const { raw, line } = flow;
  const observedAt = flow.at ?? context.observedFrom;
  const [source, destination] = [canonicalAddress(flow.source), canonicalAddress(flow.destination)];
  const protocol = protocolFromName(flow.protocol.trim());
  if (observedAt === undefined) return reject('NO_TIME', line, raw, 'The line has no time.');
  if (source === undefined || destination === undefined)
    return reject('BAD_VALUE', line, raw, 'An address is not valid.');
  if (protocol === undefined) return reject('UNSUPPORTED', line, raw, `Protocol ${flow.protocol} names no protocol.`);
  if (flow.verdict === 'EXPIRED/DELETED')
    return reject('UNSUPPORTED', line, raw, 'An entry that expired has no verdict.');
  const verdict = VERDICTS[flow.verdict];
  if (verdict === undefined) return reject('BAD_VALUE', line, raw, 'The verdict is neither DENY nor ACCEPT.');
  const direction = flow.direction === 'ingress' || flow.direction === 'egress' ? flow.direction : undefined;
  return flowVerdict({
    emitter: 'aws-network-policy-agent',
    observedAt,
    verdict,
    denial: denialOf(verdict, flow.tier),
    reporter: direction === 'egress' ? 'source' : direction === 'ingress' ? 'destination' : undefined,
    direction,
    ends: flowEnds({
      protocol,
      source,
      destination,
      sourcePort: portOf(flow.sourcePort),
      destinationPort: portOf(flow.destinationPort),
    }),
    node: flow.node,
    reason: flow.tier,
    raw,
    line,
  });
}

export const awsNetworkPolicyLog: Decoder<AwsFlow> = {
  format: 'aws-network-policy-log',
  doc: 'flow lines of the AWS network policy agent 1.0 to 1.4, from its file and from CloudWatch (aws/aws-network-policy-agent `pkg/ebpf/events/events.go`)',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise,
};
