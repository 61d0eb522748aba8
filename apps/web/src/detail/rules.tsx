import type { ChainRule } from '../api/types';

function Rule({ rule, role }: { rule: ChainRule; role: string }) {
  const place = rule.position === 0 ? `policy of chain ${rule.chain}` : `rule ${rule.position} of chain ${rule.chain}`;
  return (
    <li>
      <p>
        {role} {place}, table {rule.table}, node {rule.node}
      </p>
      <pre>{rule.text}</pre>
      {rule.owner && (
        <p className="muted">
          {rule.owner.plugin}: {rule.owner.role}
          {rule.owner.interface === null ? '' : ` (${rule.owner.interface})`}
        </p>
      )}
    </li>
  );
}

/** The rule of the kernel that ended the packet, and the one that sent it there. */
export function Rules({ rule, via }: { rule: ChainRule | null; via: ChainRule | null }) {
  if (!rule) return null;
  return (
    <section>
      <h3>Chain rule</h3>
      <ul className="rules">
        {via && <Rule rule={via} role="Sent there by" />}
        <Rule rule={rule} role="Ended by" />
      </ul>
    </section>
  );
}
