const BUILTIN = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
} as const;

export type TableName = keyof typeof BUILTIN;
const NAMES = Object.keys(BUILTIN) as TableName[];

const isBuiltin = (table: TableName, chain: string): boolean => (BUILTIN[table] as readonly string[]).includes(chain);

/** The rules of one node, chain by chain, and how to bring them into the kernel with `iptables-restore`. */
export class Tables {
  private readonly chains = new Map<TableName, Map<string, string[]>>(
    NAMES.map((table) => [table, new Map<string, string[]>(BUILTIN[table].map((chain) => [chain, []]))]),
  );
  private readonly policies = new Map<string, 'ACCEPT' | 'DROP'>();

  /** The lines of a chain; it exists from then on. */
  chain(table: TableName, name: string): string[] {
    const chains = this.chains.get(table) ?? new Map<string, string[]>();
    const lines = chains.get(name) ?? [];
    chains.set(name, lines);
    return lines;
  }

  /** Makes chains that stay empty so far. */
  empty(table: TableName, ...names: readonly string[]): void {
    for (const name of names) this.chain(table, name);
  }

  policy(table: TableName, name: string, policy: 'ACCEPT' | 'DROP'): void {
    this.policies.set(`${table} ${name}`, policy);
  }

  /** Appends rules to a chain, each without its `-A CHAIN`. */
  append(table: TableName, name: string, ...rules: readonly string[]): void {
    this.chain(table, name).push(...rules.map((rule) => `-A ${name} ${rule}`.trimEnd()));
  }

  /** Appends complete `-A CHAIN …` lines. */
  take(table: TableName, name: string, lines: readonly string[]): void {
    this.chain(table, name).push(...lines);
  }

  /** Input of `iptables-restore`: every table from scratch. */
  print(): string {
    return NAMES.map((table) => this.printTable(table)).join('');
  }

  /** One table from scratch. */
  printTable(table: TableName): string {
    const chains = [...(this.chains.get(table) ?? [])];
    const heads = chains.map(([name]) => this.head(table, name));
    return [`*${table}`, ...heads, ...chains.flatMap(([, lines]) => lines), 'COMMIT', ''].join('\n');
  }

  /**
   * Input of `iptables-restore --noflush` that turns `before` into this: only chains whose rules differ are rewritten,
   * the counters of all others go on.
   */
  printChanges(before: Tables): string {
    return NAMES.map((table) => {
      const now = this.chains.get(table) ?? new Map<string, string[]>();
      const old = before.chains.get(table) ?? new Map<string, string[]>();
      const changed = [...now].filter(([name, lines]) => old.get(name)?.join('\n') !== lines.join('\n'));
      const gone = [...old.keys()].filter((name) => !now.has(name));
      if (changed.length === 0 && gone.length === 0) return '';
      // A head flushes a chain of the plugin, not a built-in one.
      const heads = [...changed.map(([name]) => name), ...gone].map((name) => this.head(table, name));
      const flush = changed.filter(([name]) => isBuiltin(table, name)).map(([name]) => `-F ${name}`);
      const lines = changed.flatMap(([, rules]) => rules);
      const drop = gone.map((name) => `-X ${name}`);
      return [`*${table}`, ...heads, ...flush, ...lines, ...drop, 'COMMIT', ''].join('\n');
    }).join('');
  }

  private head(table: TableName, name: string): string {
    const builtin = this.policies.get(`${table} ${name}`) ?? 'ACCEPT';
    return `:${name} ${isBuiltin(table, name) ? builtin : '-'} [0:0]`;
  }
}
