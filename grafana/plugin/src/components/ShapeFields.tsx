import { Combobox, InlineField, Input, MultiCombobox } from '@grafana/ui';
import { useId } from 'react';
import type { Dimension, WhydropQuery } from '../types';
import { COMPARISONS, DIMENSION_CHOICES, FORMATS, MEASURE_CHOICES } from './choices';

interface Props {
  readonly query: WhydropQuery;
  readonly onChange: (change: Partial<WhydropQuery>) => void;
}

function GroupBy({ query, onChange }: Props) {
  const id = useId();
  const chosen = query.groupBy ?? [];
  const first = chosen[0] ?? 'POLICY';
  if (query.kind === 'top') {
    return (
      <InlineField label="By" labelWidth={14}>
        <Combobox<Dimension>
          id={id}
          width={26}
          value={first}
          options={DIMENSION_CHOICES}
          onChange={({ value }) => onChange({ groupBy: [value] })}
        />
      </InlineField>
    );
  }
  return (
    <InlineField label="A series per" labelWidth={14} tooltip="At most 3; none is the sum">
      <MultiCombobox<Dimension>
        id={id}
        width="auto"
        minWidth={22}
        value={[...chosen]}
        options={DIMENSION_CHOICES}
        onChange={(by) => onChange({ groupBy: by.slice(0, 3).map(({ value }) => value) })}
      />
    </InlineField>
  );
}

function TrendFields({ query, onChange }: Props) {
  const id = useId();
  return (
    <>
      <InlineField label="Sum of" labelWidth={10}>
        <Combobox
          id={`${id}-sum`}
          width={18}
          value={query.measure ?? 'DROPS'}
          options={MEASURE_CHOICES}
          onChange={({ value }) => onChange({ measure: value })}
        />
      </InlineField>
      <InlineField label="Bucket" labelWidth={10} tooltip="5m, 1h, $__interval; empty: as many as there is room for">
        <Input
          aria-label="Bucket"
          width={12}
          placeholder="auto"
          defaultValue={query.step ?? ''}
          onBlur={({ currentTarget }) => onChange({ step: currentTarget.value.trim() })}
        />
      </InlineField>
      <InlineField label="Compare with" labelWidth={14}>
        <Combobox
          id={`${id}-compare`}
          width={26}
          isClearable
          placeholder="nothing"
          value={query.compareWith ?? null}
          options={COMPARISONS}
          onChange={(chosen) => onChange({ compareWith: chosen?.value })}
        />
      </InlineField>
    </>
  );
}

function Format({ query, onChange }: Props) {
  const id = useId();
  return (
    <InlineField label="As" labelWidth={14}>
      <Combobox
        id={id}
        width={18}
        value={query.format ?? 'logs'}
        options={FORMATS}
        onChange={({ value }) => onChange({ format: value })}
      />
    </InlineField>
  );
}

function Limit({ query, onChange }: Props) {
  return (
    <InlineField label={query.kind === 'trend' ? 'Series' : 'Rows'} labelWidth={10} tooltip="At most so many">
      <Input
        aria-label="Limit"
        type="number"
        width={10}
        min={1}
        max={query.kind === 'trend' || query.kind === 'top' ? 100 : 500}
        placeholder="auto"
        defaultValue={query.limit ?? ''}
        onBlur={({ currentTarget: { value } }) => onChange({ limit: value === '' ? undefined : Number(value) })}
      />
    </InlineField>
  );
}

/** What only some kinds of query have. */
export function ShapeFields(props: Props) {
  const { kind } = props.query;
  return (
    <>
      {(kind === 'trend' || kind === 'top') && <GroupBy key={kind} {...props} />}
      {kind === 'trend' && <TrendFields {...props} />}
      {kind === 'drops' && <Format {...props} />}
      <Limit key={`limit-${kind}`} {...props} />
    </>
  );
}
