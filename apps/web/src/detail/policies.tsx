import type { Explanation, RuleMiss } from '../api/types';
import { count, policyName } from '../parts/words';

export function Policies({ policies }: { policies: Explanation['policies'] }) {
  if (policies.length === 0) return null;
  return (
    <section>
      <h3>Policies</h3>
      <ul className="policies">
        {policies.map((policy) => (
          <li key={`${policy.kind}/${policyName(policy)}/${policy.part}`}>
            <strong>{policyName(policy)}</strong>
            <span>{policy.part.toLowerCase()} the endpoint</span>
            <span className="muted">
              {[
                policy.kind,
                policy.tier === null ? '' : `tier ${policy.tier}`,
                policy.resourceVersion === null ? '' : `version ${policy.resourceVersion}`,
              ]
                .filter(Boolean)
                .join(', ')}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Miss({ miss, nearest }: { miss: RuleMiss; nearest: boolean }) {
  return (
    <li className={nearest ? 'nearest' : ''}>
      <p>
        <strong>{policyName(miss.policy)}</strong> <code>{miss.path}</code>
        {nearest && <span className="tag">nearest miss</span>}
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">Criterion</th>
            <th scope="col">Wants</th>
            <th scope="col">Got</th>
          </tr>
        </thead>
        <tbody>
          {miss.failed.map((failed) => (
            <tr key={failed.path + failed.wanted}>
              <td title={failed.path}>{failed.field}</td>
              <td>
                <code>{failed.wanted}</code>
              </td>
              <td>
                <code className="got">{failed.got}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </li>
  );
}

const SHOWN = 4;

/** Rules of the isolating policies that did not admit the connection, the nearest miss first. */
export function Misses({ misses }: { misses: readonly RuleMiss[] }) {
  if (misses.length === 0) return null;
  const items = (some: readonly RuleMiss[], from: number) =>
    some.map((miss, i) => <Miss key={policyName(miss.policy) + miss.path} miss={miss} nearest={from + i === 0} />);
  return (
    <section>
      <h3>Why no rule admits it</h3>
      <ol className="misses">{items(misses.slice(0, SHOWN), 0)}</ol>
      {misses.length > SHOWN && (
        <details>
          <summary>{count(misses.length - SHOWN, 'rule')} further away</summary>
          <ol className="misses">{items(misses.slice(SHOWN), SHOWN)}</ol>
        </details>
      )}
    </section>
  );
}
