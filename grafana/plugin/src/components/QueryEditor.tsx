import type { QueryEditorProps } from '@grafana/data';
import { Combobox, InlineField, InlineFieldRow } from '@grafana/ui';
import { useId } from 'react';
import type { WhydropDataSource } from '../datasource';
import { CONDITION_NAMES, type WhydropOptions, type WhydropQuery } from '../types';
import { KINDS } from './choices';
import { ConditionField } from './ConditionField';
import { ShapeFields } from './ShapeFields';

type Props = QueryEditorProps<WhydropDataSource, WhydropQuery, WhydropOptions>;

export function QueryEditor({ query: given, datasource, range, onChange, onRunQuery }: Props) {
  const id = useId();
  const query: WhydropQuery = { ...given, kind: given.kind ?? 'trend' };
  const change = (part: Partial<WhydropQuery>) => {
    onChange({ ...query, ...part });
    onRunQuery();
  };
  return (
    <>
      <InlineFieldRow>
        <InlineField label="Show" labelWidth={14}>
          <Combobox
            id={id}
            width={26}
            value={query.kind}
            options={KINDS}
            onChange={({ value }) => change({ kind: value, limit: undefined })}
          />
        </InlineField>
        <ShapeFields query={query} onChange={change} />
      </InlineFieldRow>
      <InlineFieldRow>
        {CONDITION_NAMES.map((name) => (
          <ConditionField
            key={name}
            name={name}
            values={query.where?.[name] ?? []}
            source={datasource}
            range={range}
            onChange={(values) => change({ where: { ...query.where, [name]: values } })}
          />
        ))}
      </InlineFieldRow>
    </>
  );
}
