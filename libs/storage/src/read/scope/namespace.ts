/** The namespace a group `g` is told under: where a policy decided, its side; else the destination's, or the only one. */
export const NAMESPACE = `CASE WHEN g.direction = 'egress' THEN coalesce(g.source_namespace, g.destination_namespace)
      ELSE coalesce(g.destination_namespace, g.source_namespace) END`;
