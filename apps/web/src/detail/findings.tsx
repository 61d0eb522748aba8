import type { Explanation } from '../api/types';
import { plain, policyName } from '../parts/words';

export function Findings({ findings }: { findings: Explanation['findings'] }) {
  if (findings.length === 0) return null;
  return (
    <section>
      <h3>Findings</h3>
      <ul className="findings">
        {findings.map(({ code, policy, path, sentence }) => (
          <li key={code + (policy ? policyName(policy) : '') + (path ?? '')}>
            <p>{sentence}</p>
            <p className="muted">
              {plain(code)}
              {policy ? ` in ${policyName(policy)}` : ''} {path !== null && <code>{path}</code>}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Assumptions, or facts that are missing. */
export function Notes({ title, notes }: { title: string; notes: readonly string[] }) {
  if (notes.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul className="notes">
        {notes.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </section>
  );
}
