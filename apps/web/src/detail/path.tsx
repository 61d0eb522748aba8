import type { DropDetail, End } from '../api/types';

function Stop({ end, port, role }: { end: End; port: number | null; role: string }) {
  const address = end.ip.includes(':') && port !== null ? `[${end.ip}]` : end.ip;
  return (
    <li>
      <span className="role">{role}</span>
      <strong>{end.pod ? `${end.pod.namespace}/${end.pod.name}` : end.label}</strong>
      <code>
        {address}
        {port === null ? '' : `:${port}`}
      </code>
      {end.node !== null && <span className="on">on {end.node}</span>}
    </li>
  );
}

/** The way of the connection: source, what it asked for where that was translated, destination. */
export function Path({ drop }: { drop: DropDetail }) {
  const { original, translatedSource } = drop;
  return (
    <ol className="path" aria-label="Way of the connection">
      <Stop end={drop.source} port={drop.sourcePort} role="from" />
      {translatedSource !== null && (
        <li>
          <span className="role">seen as</span>
          <code>{translatedSource}</code>
        </li>
      )}
      {original && (
        <li>
          <span className="role">asked for</span>
          {original.service && <strong>{`${original.service.namespace}/${original.service.name}`}</strong>}
          <code>
            {original.destination}
            {original.destinationPort === null ? '' : `:${original.destinationPort}`}
          </code>
          <span className="on">translated</span>
        </li>
      )}
      <Stop end={drop.destination} port={drop.destinationPort} role="to" />
    </ol>
  );
}
