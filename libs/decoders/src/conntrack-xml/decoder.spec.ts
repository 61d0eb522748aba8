import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { FlowObservation } from '@whydrop/model';
import type { FormatId } from '../format.js';
import { decodeStream } from '../registry.js';

function flows(format: FormatId, capture: string): FlowObservation[] {
  const payload = readFileSync(path.join(import.meta.dirname, '..', format, 'captures', capture), 'utf8');
  const answers = [
    ...decodeStream(format, payload, { observedFrom: 1, observedTo: undefined, firstLine: 1, attributes: {} }),
  ];
  return answers.filter((answer): answer is FlowObservation => answer.kind === 'flow');
}

/** What all three forms of one listing say. */
function common(flow: FlowObservation) {
  const { original, reply, state, unreplied, assured, timeout } = flow;
  return { original, reply, state, unreplied, assured, timeout };
}

/** XML prints neither type nor id of an echo. */
function withoutIcmp(flow: FlowObservation): FlowObservation {
  const { original, reply } = flow;
  return { ...flow, original: { ...original, icmp: undefined }, reply: { ...reply, icmp: undefined } };
}

it('one table in three forms says the same', () => {
  const text = flows('conntrack-dump', 'listing-with-drops-on-another-node.txt');
  const xml = flows('conntrack-xml', 'listing.xml');
  const save = flows('conntrack-save', 'listing.txt');
  expect(text.length).toBeGreaterThan(5);
  expect(xml.map(common)).toEqual(text.map(withoutIcmp).map(common));
  expect(save.map(common)).toEqual(text.map(common));
  expect(xml.map((flow) => [flow.originalCounters, flow.mark])).toEqual(
    text.map((flow) => [flow.originalCounters, flow.mark]),
  );
});

it('keeps the kernel’s microseconds, which only XML has', () => {
  const [destroyed] = flows('conntrack-xml', 'events-with-nanoseconds.xml').filter((flow) => flow.event === 'destroy');
  expect(destroyed).toMatchObject({
    startedAt: 1_795_214_423_140_722,
    stoppedAt: 1_795_214_423_140_824,
    state: 'CLOSE',
  });
});

it.each([
  ['<flow type="new"><meta direction="original">', 'TRUNCATED'],
  ['<flows/>', 'TRUNCATED'],
  ['hello', 'UNKNOWN_SYNTAX'],
])('refuses %s', (line, reason) => {
  const answers = [
    ...decodeStream('conntrack-xml', line, { observedFrom: 1, observedTo: undefined, firstLine: 1, attributes: {} }),
  ];
  expect(answers).toMatchObject([{ kind: 'reject', reason }]);
});
