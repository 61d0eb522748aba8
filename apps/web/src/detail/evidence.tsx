import type { Evidence } from '../api/types';
import { plain, shortTime } from '../parts/words';

/** What was seen, each with the line it was read from, as it was. */
export function EvidenceList({ evidence }: { evidence: readonly Evidence[] }) {
  if (evidence.length === 0) return null;
  return (
    <section>
      <h3>Evidence</h3>
      <ol className="evidence">
        {evidence.map((item) => (
          <li key={item.channel + item.observedAt + (item.raw ?? item.shows)}>
            <p>
              <time dateTime={item.observedAt} title={item.observedAt}>
                {shortTime(item.observedAt)}
              </time>{' '}
              <strong>{plain(item.channel)}</strong>
              {item.node !== null && ` on ${item.node}`}: {item.shows}
            </p>
            {item.raw !== null && <pre>{item.raw}</pre>}
          </li>
        ))}
      </ol>
    </section>
  );
}
