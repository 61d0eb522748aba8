import type { Dialect, Ipset, NodeProgram } from './dialects/dialect.js';
import { run } from './shell.js';

const adds = ({ name }: Ipset, members: Iterable<string>): string =>
  [...new Set(members)].map((member) => `add ${name} ${member}\n`).join('');

function createText(set: Ipset): string {
  return `create ${set.name} ${set.create}\n${adds(set, set.members)}`;
}

/** Makes new sets and brings the members of the others up to date; sets that are no longer named stay for now. */
function setChanges(before: readonly Ipset[], now: readonly Ipset[]): string {
  const known = new Map(before.map((set) => [set.name, set]));
  return now
    .map((set) => {
      const old = known.get(set.name);
      if (!old) return createText(set);
      const gone = [...new Set(old.members)].filter((member) => !set.members.includes(member));
      const fresh = set.members.filter((member) => !old.members.includes(member));
      return gone.map((member) => `del ${set.name} ${member.split(' ')[0]}\n`).join('') + adds(set, fresh);
    })
    .join('');
}

/** Loads a node for the first time. */
export function load(namespace: string, program: NodeProgram): void {
  run(namespace, ['ipset', 'restore'], program.ipsets.map(createText).join(''));
  run(namespace, ['iptables-restore'], program.tables.print());
}

/** Programs a change as the plugin does: sets first, then rules, then what nobody names any more. */
export function reload(namespace: string, dialect: Dialect, before: NodeProgram, now: NodeProgram): void {
  run(namespace, ['ipset', 'restore'], setChanges(before.ipsets, now.ipsets));
  if (dialect.rewritesWholeTable) run(namespace, ['iptables-restore'], now.tables.printTable('filter'));
  else run(namespace, ['iptables-restore', '--noflush'], now.tables.printChanges(before.tables));
  const names = new Set(now.ipsets.map((set) => set.name));
  const gone = before.ipsets.filter((set) => !names.has(set.name)).reverse();
  run(namespace, ['ipset', 'restore'], gone.map((set) => `destroy ${set.name}\n`).join(''));
}
