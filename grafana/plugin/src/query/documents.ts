/** The queries that are sent. They are fixed texts: what differs from panel to panel goes along as GraphQL variables. */

const SERIES = `
  fragment Series on TrendSeries {
    key
    labels { dimension value }
    points {
      from
      drops @include(if: $drops)
      attempts @include(if: $attempts)
      packets @include(if: $packets)
      counted @include(if: $counted)
    }
  }`;

export const TREND = `
  query GrafanaTrend(
    $timeRange: TimeRangeInput!, $filter: DropGroupCondition, $groupBy: [TrendDimension!]!, $top: Int!
    $step: Duration, $maxPoints: Int, $compareWith: TrendComparison
    $drops: Boolean!, $attempts: Boolean!, $packets: Boolean!, $counted: Boolean!
  ) {
    trend: blockedConnectionTrend(
      timeRange: $timeRange, filter: $filter, groupBy: $groupBy, top: $top
      step: $step, maxPoints: $maxPoints, compareWith: $compareWith
    ) {
      series { ...Series }
      other { ...Series }
      comparison { series { ...Series } other { ...Series } }
    }
  }
  ${SERIES}`;

export const TOP = `
  query GrafanaTop($timeRange: TimeRangeInput!, $filter: DropGroupCondition, $by: TrendDimension!, $first: Int!) {
    top: topBlocked(timeRange: $timeRange, filter: $filter, by: $by, first: $first) {
      key
      drops
      attempts
      packets
      counted
    }
  }`;

export const DROPS = `
  query GrafanaDrops($filter: DropFilter!, $first: Int!) {
    drops(filter: $filter, first: $first) {
      nodes {
        id
        key
        firstSeenAt
        lastSeenAt
        cluster
        source { ip label pod { namespace name } node }
        destination { ip label pod { namespace name } node }
        sourcePort
        destinationPort
        protocol
        direction
        verdict
        cause
        basis
        attempts
        packets
        sentence
      }
    }
  }`;

export const GRAPH = `
  query GrafanaGraph($filter: DropGroupFilter!, $first: Int!) {
    dropGroups(filter: $filter, first: $first) {
      nodes {
        id
        cluster
        source { kind namespace name }
        destination { kind namespace name }
        destinationPort
        protocol
        verdict
        cause
        drops
        attempts
        policies { kind namespace name }
      }
    }
  }`;

export const ALERTS = `
  query GrafanaAlerts($filter: AlertFilter!, $first: Int!) {
    alerts(filter: $filter, first: $first) {
      nodes {
        id
        rule
        kind
        severity
        state
        cluster
        startsAt
        endsAt
        summary
        sentence
        cause
        policies
        labels { name value }
        path
        value
        expected
      }
    }
  }`;

export const HEALTH = `
  query GrafanaHealth {
    clusters: topBlocked(by: CLUSTER, timeRange: { last: "7d" }, first: 100) {
      key
      drops
    }
  }`;
