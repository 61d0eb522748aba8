import type { PolicyRow } from '@whydrop/storage';
import { stringify } from 'yaml';
import { globalId } from '../page/global-id.js';
import { patchBetween, writtenPart, type PatchStep } from './diff.js';
import type { PatchOperation, Policy, PolicyDiff, PolicyRevision } from './policy.type.js';

const yamlOf = (value: unknown): string => stringify(value, { lineWidth: 0 });

export function policyNodeOf(row: PolicyRow): Policy {
  const { key, cluster, kind, namespace, name, uid, resourceVersion } = row;
  return {
    __typename: 'Policy',
    id: globalId('Policy', key),
    key,
    cluster,
    kind,
    namespace,
    name,
    uid,
    resourceVersion,
    changedAt: row.validFrom,
    deletedAt: row.validTo,
    manifest: yamlOf(writtenPart(row.object)),
  };
}

export function revisionOf({ version, resourceVersion, validFrom, validTo, object }: PolicyRow): PolicyRevision {
  return { id: version, resourceVersion, validFrom, validTo, manifest: yamlOf(writtenPart(object)) };
}

function operationOf({ op, path, before, after }: PatchStep): PatchOperation {
  const shown = (value: unknown) => (value === undefined ? null : yamlOf(value).trimEnd());
  return { op, path, before: shown(before), after: shown(after) };
}

function stepOf({ op, path, after }: PatchStep): object {
  return op === 'remove' ? { op, path } : { op, path, value: after };
}

/** What a person did to a policy between two of its revisions. */
export function diffOf(from: PolicyRow, to: PolicyRow): PolicyDiff {
  const steps = patchBetween(writtenPart(from.object), writtenPart(to.object));
  const patch = steps.length === 0 ? '' : yamlOf(steps.map(stepOf));
  return { from: revisionOf(from), to: revisionOf(to), operations: steps.map(operationOf), patch };
}
