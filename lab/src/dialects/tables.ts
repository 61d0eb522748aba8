const BUILTIN = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
} as const;

export type TableName = keyof typeof BUILTIN;

/** Collects the rules of one node, and prints them as `iptables-restore` reads them. */
export class Tables {
  private readonly lines = new Map<TableName, string[]>();
  private readonly chains = new Map<TableName, Set<string>>();
  private readonly policies = new Map<string, 'ACCEPT' | 'DROP'>();

  chain(table: TableName, name: string): this {
    if ((BUILTIN[table] as readonly string[]).includes(name)) return this;
    const chains = this.chains.get(table) ?? new Set();
    this.chains.set(table, chains.add(name));
    return this;
  }

  policy(table: TableName, name: string, policy: 'ACCEPT' | 'DROP'): this {
    this.policies.set(`${table} ${name}`, policy);
    return this;
  }

  /** Appends rules to a chain, each without its `-A CHAIN`. */
  append(table: TableName, name: string, ...rules: readonly string[]): this {
    return this.take(
      table,
      name,
      rules.map((rule) => `-A ${name} ${rule}`.trimEnd()),
    );
  }

  /** Appends complete `-A CHAIN …` lines. */
  take(table: TableName, name: string, lines: readonly string[]): this {
    this.chain(table, name);
    this.lines.set(table, [...(this.lines.get(table) ?? []), ...lines]);
    return this;
  }

  print(): string {
    const names = Object.keys(BUILTIN) as TableName[];
    return names.map((table) => this.printTable(table)).join('');
  }

  private printTable(table: TableName): string {
    const builtin = BUILTIN[table].map((name) => `:${name} ${this.policies.get(`${table} ${name}`) ?? 'ACCEPT'} [0:0]`);
    const chains = [...(this.chains.get(table) ?? [])].map((name) => `:${name} - [0:0]`);
    return [`*${table}`, ...builtin, ...chains, ...(this.lines.get(table) ?? []), 'COMMIT', ''].join('\n');
  }
}
