import { isIP } from 'node:net';
import { protocolFromName, type ConnectionEnd, type Protocol } from '@whydrop/model';
import type { ConnectionRequest, RequestTarget } from '@whydrop/policy';
import { badInput } from '../server/graphql-error.js';
import { endOfAddress, type World } from './world.service.js';

/** What somebody asks for, as text. */
export interface AskedConnection {
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly port?: number | null | undefined;
}

/** `namespace/pod`, `namespace/workload` (one of its pods), `svc/namespace/name`, `node/name`, or an address. */
function targetOf(argument: string, text: string, world: World): RequestTarget {
  if (isIP(text) > 0) return endOfAddress(world, text);
  const [first = '', second = '', third] = text.split('/');
  const { state } = world.view;
  if (third !== undefined && ['svc', 'service'].includes(first))
    return { kind: 'service', namespace: second, name: third };
  if (first === 'node' && state.nodes.some(({ name }) => name === second)) return { kind: 'node', name: second };
  const own = state.pods.filter(({ namespace }) => namespace === first);
  const pod = own.find(({ name }) => name === second) ?? own.find(({ workload }) => workload?.name === second);
  if (pod) return { kind: 'pod', namespace: pod.namespace, name: pod.name };
  if (state.services.some(({ namespace, name }) => namespace === first && name === second))
    return { kind: 'service', namespace: first, name: second };
  throw badInput(`${argument}: there was no pod, workload or service ${text} then; write namespace/name or an address`);
}

function sourceOf(text: string, world: World): ConnectionEnd {
  const end = targetOf('from', text, world);
  if (end.kind === 'service') throw badInput('from: only pods, nodes and addresses connect');
  return end;
}

/** The request in the words of policies; throws BAD_USER_INPUT for an end that is not there. */
export function requestOf(world: World, asked: AskedConnection): ConnectionRequest {
  const protocol: Protocol | undefined = protocolFromName(asked.protocol);
  if (!protocol) throw badInput(`protocol: ${asked.protocol} is none of TCP, UDP, SCTP, ICMP`);
  const port = asked.port ?? undefined;
  if (port !== undefined && (port < 0 || port > 65_535)) throw badInput('port: must be from 0 to 65535');
  return { source: sourceOf(asked.from, world), destination: targetOf('to', asked.to, world), protocol, port };
}
