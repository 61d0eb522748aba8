/** Types that can be asked for by a global id. */
export type NodeType = 'Drop' | 'DropGroup' | 'Policy' | 'BlockedWorkload';

const SHAPE = /^(Drop|DropGroup|Policy|BlockedWorkload):(.+)$/s;

/** Opaque id of an object, unique over all types and stable for ever. */
export function globalId(type: NodeType, key: string): string {
  return Buffer.from(`${type}:${key}`).toString('base64url');
}

/** Type and key of a global id; undefined when it is none. */
export function parseGlobalId(id: string): { readonly type: NodeType; readonly key: string } | undefined {
  const match = SHAPE.exec(Buffer.from(id, 'base64url').toString('utf8'));
  return match ? { type: match[1] as NodeType, key: match[2] ?? '' } : undefined;
}

/** Key of an object of this type, from its global id or from the key itself. */
export function keyOf(type: NodeType, id: string): string {
  const parsed = parseGlobalId(id);
  return parsed?.type === type ? parsed.key : id;
}
