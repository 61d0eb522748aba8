import fc from 'fast-check';
import { Event } from 'kubernetes-models/events.k8s.io/v1';
import type { AlertMessage } from '@whydrop/alerting';
import { kubernetesEvent } from './kubernetes-event/kubernetes-event.js';
import { dedupKey, pagerduty } from './pagerduty/pagerduty.js';
import type { ReceiverKind } from './receiver.js';
import { FIRING, outgoing } from './sample-messages.js';
import { slack } from './slack/slack.js';
import { teams } from './teams/teams.js';
import { cut, cutBytes, sparkline } from './text.js';

function bodyOf(kind: ReceiverKind, message: AlertMessage): string {
  const request = kind.request(outgoing(message));
  if ('nothing' in request) throw new Error(request.nothing);
  return request.body;
}

const parsed = (kind: ReceiverKind, message: AlertMessage) => JSON.parse(bodyOf(kind, message)) as never;

const LONG: AlertMessage = {
  ...FIRING,
  ruleName: 'R'.repeat(400),
  cluster: '&'.repeat(400),
  summary: '<!channel> '.repeat(900),
  sentence: '&<>'.repeat(3_000),
  policies: Array.from({ length: 300 }, (_, i) => `NetworkPolicy/ns/<${i}>`),
  changes: Array.from({ length: 300 }, () => '😀'.repeat(300)),
  labels: { namespace: 'n'.repeat(600), workload: 'w'.repeat(600) },
};

interface SlackText {
  readonly text: string;
}

interface SlackBlock {
  readonly type: string;
  readonly text?: SlackText;
  readonly fields?: readonly SlackText[];
  readonly elements?: readonly SlackText[];
}

describe('Slack', () => {
  it('takes the longest alert: every text within its limit, all of them below 8000', () => {
    const { blocks, text } = parsed(slack, LONG) as { blocks: SlackBlock[]; text: string };
    const limits: Readonly<Record<string, number>> = { header: 150, section: 3_000 };
    let all = text.length;
    for (const block of blocks) {
      const texts = [...(block.text ? [block.text] : []), ...(block.fields ?? [])];
      for (const each of texts) expect(each.text.length).toBeLessThanOrEqual(limits[block.type] ?? 2_000);
      all += texts.reduce((sum, each) => sum + each.text.length, 0);
      expect(block.fields?.length ?? 0).toBeLessThanOrEqual(10);
    }
    expect(all).toBeLessThan(8_000);
    expect(blocks.length).toBeLessThanOrEqual(50);
  });

  it('is never made to page everybody by what a label holds', () => {
    const evil = '<!channel> <@U1> & <https://evil.example|click>';
    const body = bodyOf(slack, { ...FIRING, summary: evil, sentence: evil, policies: [evil], cluster: evil });
    expect(body).not.toMatch(/<!channel|<@|<https/);
    expect(body).toContain('&lt;!channel&gt; &lt;@U1&gt; &amp;');
  });
});

describe('PagerDuty', () => {
  it.each([
    [1_024, 1_024],
    [1_025, 1_024],
  ])('a summary of %d characters has %d', (given, wanted) => {
    const { payload } = parsed(pagerduty, { ...FIRING, summary: 'x'.repeat(given) }) as {
      payload: { summary: string };
    };
    expect(payload.summary).toHaveLength(wanted);
    expect(payload.summary.endsWith('…')).toBe(given > 1_024);
  });

  it.each([247, 248, 5_000])('an id of %d characters has a key of at most 255, its own', (length) => {
    const key = dedupKey({ alertId: 'a'.repeat(length) });
    expect(key.length).toBeLessThanOrEqual(255);
    expect(key).not.toBe(dedupKey({ alertId: 'a'.repeat(length + 1) }));
  });

  it('an event over 512 kB says that its details were left out', () => {
    const labels = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`l${i}`, 'x'.repeat(250)]));
    const body = bodyOf(pagerduty, { ...FIRING, labels });
    expect(Buffer.byteLength(body)).toBeLessThan(512_000);
    expect(body).toContain('the details were too long');
  });
});

it('a card of Teams stays below 28 kB', () => {
  expect(Buffer.byteLength(bodyOf(teams, LONG))).toBeLessThan(28_000);
});

describe('Kubernetes', () => {
  it('a note has at most 1024 bytes, a reason 128 characters, a name 253', () => {
    const long = { ...LONG, summary: '→'.repeat(2_000), pod: { namespace: 'pay', name: 'p'.repeat(253), uid: null } };
    const event = parsed(kubernetesEvent, long) as { note: string; reason: string; metadata: { name: string } };
    expect(Buffer.byteLength(event.note)).toBeLessThanOrEqual(1_024);
    expect(event.reason.length).toBeLessThanOrEqual(128);
    expect(event.metadata.name.length).toBeLessThanOrEqual(253);
  });

  it.each([FIRING, LONG])('an event is one by the schema of Kubernetes', (message) => {
    expect(() => new Event(parsed(kubernetesEvent, message)).validate()).not.toThrow();
  });

  it('is told nothing about no single pod, or outside of a cluster', () => {
    const nobody = kubernetesEvent.request(outgoing({ ...FIRING, pod: null }));
    expect(nobody).toEqual({ nothing: 'the alert concerns no single pod' });
    const outside = kubernetesEvent.request(outgoing(FIRING, { settings: {} }));
    expect(outside).toEqual({ nothing: 'this process runs in no Kubernetes cluster, and the receiver names no url' });
  });

  it('inside of a cluster the service account speaks', () => {
    const inCluster = () => ({ url: 'https://10.96.0.1:443', token: 'sa', certificateAuthority: 'PEM' });
    const surroundings = { publicUrl: undefined, version: '1', inCluster };
    expect(kubernetesEvent.request(outgoing(FIRING, { settings: {}, surroundings }))).toMatchObject({
      url: 'https://10.96.0.1:443/apis/events.k8s.io/v1/namespaces/pay/events',
      headers: { authorization: 'Bearer sa' },
      certificateAuthority: 'PEM',
      isOwnCluster: true,
    });
  });
});

it('a cut text is never longer than asked for and never ends in half a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.integer({ min: 1, max: 60 }), (text, most) => {
      const short = cut(text, most);
      expect(short.length).toBeLessThanOrEqual(most);
      expect(Buffer.from(short).toString()).toBe(short);
      expect(Buffer.byteLength(cutBytes(text, most + 3))).toBeLessThanOrEqual(most + 3);
      if (text.length <= most) expect(short).toBe(text);
    }),
  );
});

it('a trend shows where nobody looked', () => {
  expect(sparkline([0, 5, null, 10].map((value, i) => ({ from: i, value })))).toBe('▁▅·█');
  expect(sparkline([])).toBe('');
});
