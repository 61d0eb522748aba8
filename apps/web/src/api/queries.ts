const DECIDED = 'id cluster verdict cause direction basis protocol destinationPort firstSeenAt lastSeenAt';
const END = 'ip label role node pod { namespace name } workload { kind namespace name }';
const POLICY = 'kind namespace name';
const PAGE = 'totalCount pageInfo { hasNextPage endCursor }';
const RULE = 'node table chain position text owner { plugin role interface }';

export const GROUPS = `query Groups($filter: DropGroupFilter!, $after: String) {
  list: dropGroups(filter: $filter, first: 50, after: $after) { ${PAGE}
    nodes { ${DECIDED} drops packets node sentence
      source { kind namespace name } destination { kind namespace name } policies { ${POLICY} } } } }`;

export const DROPS = `query Drops($filter: DropFilter!, $after: String) {
  list: drops(filter: $filter, first: 50, after: $after) { ${PAGE}
    nodes { ${DECIDED} attempts packets sentence sourcePort source { ${END} } destination { ${END} }
      group { node policies { ${POLICY} } } } } }`;

const DETAIL = `fragment Detail on Drop {
  ${DECIDED} key attempts packets sentence sourcePort source { ${END} } destination { ${END} } translatedSource
  original { destination destinationPort service { namespace name } }
  evidence { channel node observedAt shows raw }
  explanation {
    causeText contributing assumptions missing
    enforcementPoint { node hook interface }
    policies { ${POLICY} part uid resourceVersion tier }
    misses { policy { ${POLICY} } direction path failed { field path wanted got } }
    chainRule { ${RULE} } via { ${RULE} }
    findings { code path sentence policy { ${POLICY} } } } }`;

/** A drop, or a group by its latest drop. */
export const ONE = `query One($id: ID!) {
  node(id: $id) {
    ... on Drop { ...Detail }
    ... on DropGroup { drops groupSince: firstSeenAt groupUntil: lastSeenAt latestDrop { ...Detail } } } }
${DETAIL}`;

export const TREND = `query Trend($timeRange: TimeRangeInput!, $filter: DropGroupCondition) {
  trend: blockedConnectionTrend(timeRange: $timeRange, filter: $filter, maxPoints: 120) { series { points { from drops } } } }`;

export const OLDEST = `query Oldest($filter: DropGroupFilter!) {
  oldest: dropGroups(filter: $filter, first: 1, orderBy: {field: FIRST_SEEN, direction: ASC}) { nodes { firstSeenAt } } }`;

export const CAUSES = '{ __type(name: "Cause") { enumValues { name description } } }';
