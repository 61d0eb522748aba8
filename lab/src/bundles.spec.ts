import { bundleManifestSchema, describeBundleFile } from '@whydrop/contracts';
import { decodeStream, isReject } from '@whydrop/decoders';
import type { RulesetSnapshot } from '@whydrop/model';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import type { Truth } from './capture.js';
import { STORIES } from './stories/registry.js';

/** What lies in test/scenarios must stay readable, and agree with what the kernel's trace said when it was made. */

const SCENARIOS = join(import.meta.dirname, '..', '..', 'test', 'scenarios');

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function decodeFile(folder: string, path: string) {
  const file = describeBundleFile(path);
  if (!file) throw new Error(`the bundle layout has no place for ${path}`);
  const text = readFileSync(join(folder, path), 'utf8');
  const at = Number(file.takenAt ?? 1_795_000_000) * 1_000_000;
  const context = { observedFrom: at, observedTo: undefined, firstLine: 1, attributes: file.attributes };
  return [...decodeStream(file.format as Parameters<typeof decodeStream>[0], text, context)];
}

function truthOf(story: string): readonly Truth[] {
  const lines = readFileSync(join(SCENARIOS, story, 'truth.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Truth);
}

/** How much a rule counted over the capture, by its text; the last value where it was rewritten. */
function counted(folder: string, node: string): ReadonlyMap<string, bigint> {
  const seen = new Map<string, bigint>();
  const paths = readdirSync(join(folder, 'nodes', node)).filter((name) => name.startsWith('iptables.'));
  for (const path of paths) {
    for (const item of decodeFile(folder, `nodes/${node}/${path}`)) {
      if (item.kind !== 'ruleset') continue;
      for (const [text, packets] of packetsByRule(item)) {
        const most = seen.get(text) ?? 0n;
        seen.set(text, packets > most ? packets : most);
      }
    }
  }
  return seen;
}

function packetsByRule(snapshot: RulesetSnapshot): readonly (readonly [string, bigint])[] {
  return snapshot.tables.flatMap((table) =>
    table.chains.flatMap((chain) => chain.rules.map((rule) => [rule.text, rule.counter?.packets ?? 0n] as const)),
  );
}

describe.each(STORIES.map((story) => story.name))('%s', (story) => {
  const folder = join(SCENARIOS, story, 'bundle');

  it('is a bundle of which every file is known and every line decodes', () => {
    const manifest = bundleManifestSchema.parse(parse(readFileSync(join(folder, 'bundle.yaml'), 'utf8')));
    expect(Object.keys(manifest.nodes).length).toBeGreaterThanOrEqual(2);
    const rejects = filesBelow(folder)
      .filter((path) => path !== 'bundle.yaml')
      .flatMap((path) => decodeFile(folder, path).filter(isReject));
    expect(rejects).toEqual([]);
  });

  it('has a rule and its counter for whatever the trace saw stopped', () => {
    for (const line of truthOf(story).filter((each) => each.rule !== null)) {
      const packets = counted(folder, line.node ?? '').get(line.rule ?? '');
      expect({ line, enough: packets !== undefined && packets >= BigInt(line.packets) }).toEqual({
        line,
        enough: true,
      });
    }
  });

  it('names the ends of every attempt by objects of the cluster', () => {
    const objects = filesBelow(folder)
      .filter((path) => path.startsWith('cluster/'))
      .flatMap((path) => decodeFile(folder, path))
      .flatMap((item) => (item.kind === 'object' ? [item.object] : []));
    const pods = new Set(
      objects.filter((object) => object.kind === 'Pod').map((pod) => `${pod.metadata.namespace}/${pod.metadata.name}`),
    );
    const ends = truthOf(story).flatMap((line) => [line.from, line.to]);
    const named = ends.filter((end) => end.includes('/') && !end.startsWith('service '));
    expect(named.filter((end) => !pods.has(end))).toEqual([]);
  });
});
