import type { QueryEditorProps } from '@grafana/data';
import { Combobox, InlineField } from '@grafana/ui';
import { useId } from 'react';
import type { WhydropDataSource } from '../datasource';
import type { WhydropOptions, WhydropQuery } from '../types';
import type { VariableQuery } from '../variables';
import { DIMENSION_CHOICES } from './choices';

type Props = QueryEditorProps<WhydropDataSource, WhydropQuery, WhydropOptions, VariableQuery>;

export function VariableEditor({ query, onChange }: Props) {
  const id = useId();
  return (
    <InlineField label="Values of" labelWidth={14} tooltip="Those that were blocked in the time of the dashboard">
      <Combobox
        id={id}
        width={30}
        value={query.values ?? 'NAMESPACE'}
        options={DIMENSION_CHOICES}
        onChange={({ value }) => onChange({ ...query, refId: query.refId ?? 'values', values: value })}
      />
    </InlineField>
  );
}
