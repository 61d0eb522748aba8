import { useEffect, useRef } from 'react';
import { ONE } from '../api/queries';
import type { DropDetail } from '../api/types';
import { useQuery } from '../api/use-query';
import { count, plain, shortTime, timeSpan } from '../parts/words';
import { EvidenceList } from './evidence';
import { Findings, Notes } from './findings';
import { Path } from './path';
import { Misses, Policies } from './policies';
import { Rules } from './rules';

interface Group {
  readonly drops: string;
  readonly groupSince: string;
  readonly groupUntil: string;
  readonly latestDrop: DropDetail | null;
}

interface Answer {
  readonly node: DropDetail | Group;
}

interface Props {
  readonly id: string;
  readonly close: () => void;
}

const BASIS: Readonly<Record<string, string>> = {
  OBSERVED: 'observed: the datapath named the rule',
  COUNTED: 'counted: a counter of the rule moved',
  DERIVED: 'derived: the evaluation says so',
  UNKNOWN: 'nothing decides it',
};

function Facts({ drop, group }: { drop: DropDetail; group: Group | undefined }) {
  const point = drop.explanation.enforcementPoint;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Verdict', drop.verdict.toLowerCase() + (drop.direction ? ` on ${drop.direction.toLowerCase()}` : '')],
    ['Cause', `${plain(drop.cause)}: ${drop.explanation.causeText}`],
    ['Also', drop.explanation.contributing.map(plain).join(', ') || undefined],
    ['Basis', BASIS[drop.basis]],
    ['Where', point ? [`node ${point.node}`, point.hook, point.interface].filter(Boolean).join(', ') : undefined],
    ['Group', group && `${count(group.drops, 'connection')}, ${timeSpan(group.groupSince, group.groupUntil)}`],
    [
      group ? 'Latest' : 'Seen',
      `${shortTime(drop.firstSeenAt)} UTC, ${count(drop.attempts, 'attempt')}, ${count(drop.packets, 'packet')}`,
    ],
    ['Drop', drop.key],
  ];
  return (
    <dl className="facts">
      {rows.map(([name, value]) =>
        value === undefined ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

function Explained({ drop, group }: { drop: DropDetail; group: Group | undefined }) {
  const { explanation } = drop;
  return (
    <>
      <p className="sentence">{drop.sentence}</p>
      <Path drop={drop} />
      <Facts drop={drop} group={group} />
      <Policies policies={explanation.policies} />
      <Misses misses={explanation.misses} />
      <Rules rule={explanation.chainRule} via={explanation.via} />
      <Findings findings={explanation.findings} />
      <EvidenceList evidence={drop.evidence} />
      <Notes title="Taken for granted" notes={explanation.assumptions} />
      <Notes title="Not known" notes={explanation.missing} />
    </>
  );
}

/** The whole explanation of a drop, or of the latest drop of a group. */
export function Detail({ id, close }: Props) {
  const { data, error } = useQuery<Answer>(ONE, { id });
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const group = data && 'latestDrop' in data.node ? data.node : undefined;
  const drop = group ? group.latestDrop : (data?.node as DropDetail | undefined);
  return (
    <article className="detail" aria-label="Explanation">
      <div className="detail-head">
        <h2 tabIndex={-1} ref={heading}>
          Why
        </h2>
        <button type="button" className="quiet" onClick={close}>
          Close
        </button>
      </div>
      {error !== undefined && <p className="problem">{error}</p>}
      {drop && <Explained drop={drop} group={group} />}
      {group && !drop && <p className="problem">The drops of this group are older than what is kept.</p>}
    </article>
  );
}
