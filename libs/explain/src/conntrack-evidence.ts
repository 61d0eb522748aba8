import type { EvidenceItem } from '@whydrop/model';
import type { Attempt, FlowWitness } from './witness.js';

/** States in which a TCP entry has not been answered. */
const UNANSWERED = new Set(['NONE', 'SYN_SENT', 'SYN_SENT2']);

/** How an attempt looks in the conntrack of one node. */
export interface FlowPicture {
  readonly node: string;
  /** `answered`: packets of the other side came back; `reset`: the only answer was a RST; `unanswered`: none. */
  readonly state: 'answered' | 'reset' | 'unanswered';
  readonly witnesses: readonly FlowWitness[];
}

/** A RST right after the SYN destroys the entry in state CLOSE, still marked UNREPLIED, with one packet each way. */
function isReset({ flow }: FlowWitness): boolean {
  return flow.event === 'destroy' && flow.state === 'CLOSE' && flow.unreplied;
}

function isAnswered({ flow }: FlowWitness): boolean {
  if (flow.assured) return true;
  if (flow.unreplied) return false;
  if (flow.original.protocol === 'TCP') return flow.state === undefined || !UNANSWERED.has(flow.state);
  return true;
}

/** The attempt as each node's conntrack saw it. A node that dropped the packet in its filter table has no picture. */
export function flowPictures(attempt: Attempt): readonly FlowPicture[] {
  const nodes = [...new Set(attempt.flows.map((witness) => witness.node))];
  return nodes.map((node) => {
    const witnesses = attempt.flows.filter((witness) => witness.node === node);
    const state = witnesses.some(isAnswered) ? 'answered' : witnesses.some(isReset) ? 'reset' : 'unanswered';
    return { node, state, witnesses };
  });
}

const SHOWS: Readonly<Record<FlowPicture['state'], string>> = {
  answered: 'conntrack saw an answer',
  reset: 'conntrack saw one packet and a reset',
  unanswered: 'conntrack has the connection without an answer (UNREPLIED)',
};

/** One record as evidence. */
export function flowItemOf({ node, flow }: FlowWitness): EvidenceItem {
  const shows = `conntrack ${flow.event === 'destroy' ? 'ended' : 'had'} an entry of the connection${flow.state ? ` (${flow.state})` : ''}`;
  return { channel: 'conntrack', node, observedAt: flow.observedAt, shows, raw: flow.raw };
}

/** The first record of a picture that shows its state. */
export function flowItem(picture: FlowPicture): EvidenceItem {
  const telling =
    picture.witnesses.find((witness) =>
      picture.state === 'answered' ? isAnswered(witness) : picture.state === 'reset' ? isReset(witness) : true,
    ) ?? picture.witnesses[0];
  return {
    channel: 'conntrack',
    node: picture.node,
    observedAt: telling?.flow.observedAt ?? 0,
    shows: SHOWS[picture.state],
    raw: telling?.flow.raw,
  };
}

/** The first record of each node, in the order in which the nodes come. */
export function firstRecords(flows: readonly FlowWitness[]): readonly FlowWitness[] {
  if (flows.length < 2) return flows;
  return flows.filter(({ node }, at) => flows.findIndex((other) => other.node === node) === at);
}

/** The item of a node that only saw the connection begin. */
export function unansweredItem({ node, flow }: FlowWitness): EvidenceItem {
  return { channel: 'conntrack', node, observedAt: flow.observedAt, shows: SHOWS.unanswered, raw: flow.raw };
}
