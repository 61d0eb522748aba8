import { annotationsOf, fingerprint, labelsOf } from './labels.js';
import { FIRING } from './sample-messages.js';

it.each([
  [{}, 'cbf29ce484222325'],
  [{ alertname: 'OK1' }, '1609485f5e03bf85'],
  [{ a: 'b' }, 'd2b371819297f98a'],
  [{ policy: 'deny-all', alertname: 'DropSpike', namespace: 'pay' }, '724c91fd265a29ca'],
])('Alertmanager’s fingerprint of %j', (labels, wanted) => {
  expect(fingerprint(labels)).toBe(wanted);
});

it('labels are names that Alertmanager takes, at most 30, cut at 256; none is empty', () => {
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`l${i}`, 'x'.repeat(300)]));
  const labels = labelsOf({
    ...FIRING,
    labels: { 'k8s.ns': 'a', '9lives': 'b', empty: '', severity: 'forged', ...many },
  });
  expect(Object.keys(labels)).toHaveLength(30);
  expect(labels).toMatchObject({ k8s_ns: 'a', _9lives: 'b', severity: 'warning' });
  for (const [name, value] of Object.entries(labels)) {
    expect(name).toMatch(/^[a-zA-Z_][a-zA-Z0-9_]*$/);
    expect(value.length).toBeGreaterThan(0);
    expect(value.length).toBeLessThanOrEqual(256);
  }
});

it('what changes while an alert fires is no label', () => {
  const later = { ...FIRING, value: 9, at: 1, topSources: [], sentence: 'other', trend: [], sequence: 7 };
  expect(labelsOf(later)).toEqual(labelsOf(FIRING));
  expect(annotationsOf(later)).not.toEqual(annotationsOf(FIRING));
});
