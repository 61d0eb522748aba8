import { z } from 'zod';
import { formatDuration, parseDuration } from './duration.js';
import { type AlertRule, DIMENSIONS, MEASURES, MINUTE } from './rule.js';

const duration = (least: number, usual: string) =>
  z
    .string()
    .default(usual)
    .transform((text, context) => {
      const micros = parseDuration(text);
      if (micros !== undefined && micros >= least) return micros;
      const message =
        micros === undefined
          ? `'${text}' is no duration: write 90s, 5m, 1h30m or PT5M`
          : `${text} is less than ${formatDuration(least)}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    });

const minutes = (usual: string) =>
  duration(MINUTE, usual).refine(
    (micros) => micros % MINUTE === 0 && micros <= 1440 * MINUTE,
    'whole minutes, at most a day',
  );

const texts = z.array(z.string().min(1)).max(100);

const filter = z
  .strictObject({
    clusters: texts.optional(),
    namespaces: texts.optional(),
    workloads: texts.optional(),
    policies: texts.optional(),
    causes: texts.optional(),
    ports: z.array(z.int().min(0).max(65535)).max(100).optional(),
    nodes: texts.optional(),
  })
  .default({});

const suppress = z.strictObject({
  icmp: z.boolean().default(true),
  lateAfterClose: z.boolean().default(true),
  rollout: z.boolean().default(true),
  policyChange: duration(0, '0s'),
});

const inhibition = z.strictObject({ rule: z.string().min(1), equal: z.array(z.string().min(1)).max(20).default([]) });

const common = {
  name: z
    .string()
    .min(1)
    .max(80)
    .regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/, 'letters, digits, _ . and -, beginning with a letter'),
  enabled: z.boolean().default(true),
  severity: z.enum(['critical', 'warning', 'info']).default('warning'),
  summary: z.string().max(500).nullable().default(null),
  receivers: texts.default([]),
  filter,
  suppress: suppress.prefault({}),
  inhibitedBy: z.array(inhibition).max(20).default([]),
  for: duration(0, '0s'),
  keepFiringFor: duration(0, '5m'),
  coolDown: duration(0, '5m'),
};

const grouped = (usual: readonly (typeof DIMENSIONS)[number][]) =>
  z
    .array(z.enum(DIMENSIONS))
    .max(4)
    .default([...usual])
    .refine((list) => new Set(list).size === list.length, 'each dimension once');

const measure = z.enum(MEASURES).default('drops');
const chance = z.number().gt(0).max(0.05).default(1e-6);

const threshold = z.strictObject({
  ...common,
  kind: z.literal('THRESHOLD'),
  groupBy: grouped(['policies', 'cause']),
  measure,
  threshold: z.number().min(0),
  window: minutes('5m'),
});

const spike = z
  .strictObject({
    ...common,
    kind: z.literal('SPIKE'),
    groupBy: grouped(['policies', 'cause']),
    measure,
    p: chance,
    minEvents: z.int().min(1).default(10),
    minRatio: z.number().min(1.1).default(3),
    odd: z.int().min(1).max(30).default(2),
    of: z.int().min(1).max(30).default(3),
    floor: z.number().min(0.01).default(1),
    coldEvents: z.int().min(1).default(50),
    slow: z.boolean().default(true),
    levelShiftAfter: duration(0, '1h'),
  })
  .refine((rule) => rule.odd <= rule.of, {
    path: ['odd'],
    message: 'more odd minutes are asked for than are looked at',
  });

const newPair = z.strictObject({
  ...common,
  kind: z.literal('NEW_PAIR'),
  groupBy: grouped([]),
  minPairs: z.int().min(1).default(1),
  learnFor: duration(0, '1d'),
});

const silence = z.strictObject({
  ...common,
  kind: z.literal('SILENCE'),
  groupBy: grouped(['policies', 'cause']),
  measure,
  window: minutes('15m'),
  p: chance,
});

const drift = z.strictObject({
  ...common,
  kind: z.literal('DRIFT'),
  groupBy: z.array(z.never()).default([]),
  findings: texts.default([]),
});

const collectorGap = z.strictObject({
  ...common,
  kind: z.literal('COLLECTOR_GAP'),
  groupBy: z.array(z.never()).default([]),
  silentFor: minutes('10m'),
});

const schema = z.discriminatedUnion('kind', [threshold, spike, newPair, silence, drift, collectorGap]);

/** Something that is wrong with a rule: where in it, and why. */
export interface RuleProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type ParsedRule =
  | { readonly kind: 'rule'; readonly rule: AlertRule }
  | { readonly kind: 'problems'; readonly problems: readonly RuleProblem[] };

const stepOf = (part: PropertyKey) => (typeof part === 'number' ? part : String(part));

/** Reads a rule as people write it: durations as text, everything but name and kind with a default. */
export function parseRule(value: unknown): ParsedRule {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { kind: 'rule', rule: parsed.data as AlertRule };
  const problems = parsed.error.issues.map(({ path, message }) => ({ path: path.map(stepOf), message }));
  return { kind: 'problems', problems };
}

const DURATIONS = [
  'for',
  'keepFiringFor',
  'coolDown',
  'window',
  'levelShiftAfter',
  'learnFor',
  'silentFor',
  'policyChange',
];

/** A rule as people write it: what `parseRule` reads back to the same rule. */
export function writeRule(rule: AlertRule): Readonly<Record<string, unknown>> {
  const written = (name: string, value: unknown): unknown => {
    if (DURATIONS.includes(name)) return formatDuration(Number(value));
    return name === 'suppress' ? write(value as object) : value;
  };
  const write = (object: object) => Object.fromEntries(Object.entries(object).map(([k, v]) => [k, written(k, v)]));
  return write(rule);
}
