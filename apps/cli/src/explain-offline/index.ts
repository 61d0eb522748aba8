import { parseArgs } from 'node:util';
import {
  protocolFromName,
  type ClusterState,
  type ConnectionEnd,
  type ConnectionQuery,
  type Protocol,
} from '@whydrop/model';
import {
  createPolicyEngine,
  proposeFix,
  type ConnectionRequest,
  type PolicyEngine,
  type RequestTarget,
} from '@whydrop/policy';
import { answerText } from '../check/answer.js';
import { loadState, type CheckIo } from '../check/index.js';
import { UsageError } from '../errors.js';
import { offlineText } from './text.js';

/** test/house/help.spec.ts holds the help against them. */
export const OPTIONS = {
  from: { type: 'string' },
  to: { type: 'string' },
  port: { type: 'string' },
  protocol: { type: 'string', default: 'TCP' },
  manifests: { type: 'string' },
  at: { type: 'string' },
  json: { type: 'boolean' },
  verbose: { type: 'boolean', short: 'v' },
  'skip-invalid': { type: 'boolean' },
} as const;

function has(state: ClusterState, namespace: string, name: string): boolean {
  return state.pods.some((pod) => pod.namespace === namespace && pod.name === name);
}

/** `ns/name` of a pod, workload or (as a target) service; `svc/ns/name`; `node NAME`; an address. */
function targetOf(text: string, state: ClusterState): RequestTarget {
  const node = /^node[ /](.+)$/.exec(text);
  if (node?.[1] !== undefined) return { kind: 'node', name: node[1] };
  const service = /^(?:svc|service)[ /]([^/]+)\/(.+)$/.exec(text);
  if (service) return { kind: 'service', namespace: service[1] ?? '', name: service[2] ?? '' };
  const slash = text.indexOf('/');
  if (slash < 0) {
    if (/^[0-9.]+$|:/.test(text)) return { kind: 'address', ip: text };
    throw new UsageError(`'${text}' is neither ns/name nor an address`);
  }
  const [namespace, name] = [text.slice(0, slash), text.slice(slash + 1)];
  if (has(state, namespace, name)) return { kind: 'pod', namespace, name };
  if (state.services.some((one) => one.namespace === namespace && one.name === name))
    return { kind: 'service', namespace, name };
  throw new UsageError(`no manifest declares a pod, workload or service ${text}`);
}

function sourceOf(text: string, state: ClusterState): ConnectionEnd {
  const end = targetOf(text, state);
  if (end.kind === 'service') throw new UsageError(`'${text}' is a service: only pods, nodes and addresses connect`);
  return end;
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text);
  throw new UsageError(`--port ${text} is no port`);
}

function protocolOf(text: string): Protocol {
  const protocol = protocolFromName(text);
  if (protocol) return protocol;
  throw new UsageError(`--protocol ${text} is none of TCP, UDP, SCTP, ICMP`);
}

/** What the policies see of a request: the pod behind a service, where that is one pod. */
function judgedQuery(engine: PolicyEngine, request: ConnectionRequest): ConnectionQuery | undefined {
  const [query, ...others] = engine.routes(request);
  return others.length === 0 ? query : undefined;
}

/**
 * `whydrop explain --from ns/pod --to ns/pod|ns/svc|IP --port N [--protocol TCP] --manifests DIR [--at TIME] [--json]`:
 * what the policies in the manifests say about a connection. Exit code 0 allowed; 1 denied or undecided; 2 input error.
 */
export async function runExplainOffline(args: string[], io: CheckIo): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS });
  const { from, to, manifests } = values;
  if (from === undefined || to === undefined || manifests === undefined) {
    throw new UsageError('give --from ns/pod, --to ns/pod|ns/svc|IP and --manifests DIR');
  }
  const options = { at: values.at, verbose: values.verbose === true, skipInvalid: values['skip-invalid'] === true };
  const state = await loadState(manifests, options, io);
  if (!state) return 2;
  const protocol = protocolOf(values.protocol);
  const request = {
    source: sourceOf(from, state),
    destination: targetOf(to, state),
    protocol,
    port: portOf(values.port),
  };
  const engine = createPolicyEngine(state);
  const verdict = engine.ask(request);
  const query = verdict.verdict === 'denied' ? judgedQuery(engine, request) : undefined;
  const fixes = query ? proposeFix(state, query) : [];
  if (values.json === true)
    io.stdout(`${answerText(`${from} -> ${to}`, verdict).slice(0, -1)},"fix":${JSON.stringify(fixes)}}\n`);
  else io.stdout(offlineText(verdict, fixes));
  return verdict.verdict === 'allowed' ? 0 : 1;
}
