import type { DropItem, GroupItem } from '../api/types';
import { count, endName, plain, policyName, portName, shortTime } from '../parts/words';

interface Props {
  readonly item: GroupItem | DropItem;
  readonly current: boolean;
  readonly open: (id: string) => void;
}

const isGroup = (item: GroupItem | DropItem): item is GroupItem => 'drops' in item;

function ends(item: GroupItem | DropItem): readonly [string, string] {
  if (isGroup(item)) return [endName(item.source), endName(item.destination)];
  const name = ({ pod, label }: DropItem['source']) => (pod ? `${pod.namespace}/${pod.name}` : label);
  return [name(item.source), name(item.destination)];
}

/** One group or drop of the list. */
export function Row({ item, current, open }: Props) {
  const [source, destination] = ends(item);
  const { policies, node } = isGroup(item) ? item : item.group;
  const often = isGroup(item) ? count(item.drops, 'connection') : count(item.attempts, 'attempt');
  const where =
    node === null ? undefined : `${item.direction === null ? '' : `${item.direction.toLowerCase()} at `}node ${node}`;
  const facts = [plain(item.cause), ...policies.map(policyName), where];
  return (
    <li>
      <button
        type="button"
        className={`row ${item.verdict.toLowerCase()}`}
        aria-current={current}
        onClick={() => open(item.id)}
      >
        <span className="row-head">
          <strong>
            {source} <span className="arrow">→</span> {destination}
            <span className="port">{portName(item.destinationPort, item.protocol)}</span>
          </strong>
          <time dateTime={item.lastSeenAt}>{shortTime(item.lastSeenAt)}</time>
        </span>
        {item.sentence !== null && <span className="row-sentence">{item.sentence}</span>}
        <span className="row-facts">
          <span className="verdict">{item.verdict.toLowerCase()}</span>
          <span>{often}</span>
          {facts.flatMap((fact) => (fact === undefined ? [] : [<span key={fact}>{fact}</span>]))}
        </span>
      </button>
    </li>
  );
}
