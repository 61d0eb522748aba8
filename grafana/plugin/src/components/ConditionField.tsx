import { getDefaultTimeRange, type TimeRange } from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';
import { type ComboboxOption, InlineField, MultiCombobox } from '@grafana/ui';
import { useId } from 'react';
import { firstValueFrom } from 'rxjs';
import type { WhydropDataSource } from '../datasource';
import { plain } from '../frames/words';
import type { ConditionName } from '../types';
import { OFFERED } from './choices';

interface Props {
  readonly name: ConditionName;
  readonly values: readonly string[];
  readonly source: WhydropDataSource;
  readonly range?: TimeRange | undefined;
  readonly onChange: (values: readonly string[]) => void;
}

/** Variables of the dashboard, then what was blocked in its time; Whydrop silent, what is typed will do. */
async function offer({ name, source, range }: Props, typed: string): Promise<ComboboxOption[]> {
  const variables = getTemplateSrv()
    .getVariables()
    .map((variable) => `$${variable.name}`);
  const found = await firstValueFrom(source.valuesOf(OFFERED[name], range ?? getDefaultTimeRange())).catch(() => []);
  return [...variables, ...found.map(({ text }) => text)]
    .filter((value) => value.toLowerCase().includes(typed.toLowerCase()))
    .map((value) => ({ value, label: value }));
}

/** A condition: any of its values, chosen or typed. */
export function ConditionField(props: Props) {
  const { name, values, onChange } = props;
  const id = useId();
  return (
    <InlineField label={plain(name)} labelWidth={14} tooltip="Any of them; a dashboard variable will do; empty is all">
      <MultiCombobox
        id={id}
        width="auto"
        minWidth={22}
        maxWidth={60}
        value={[...values]}
        options={(typed) => offer(props, typed)}
        createCustomValue
        isClearable
        placeholder="all"
        onChange={(chosen) => onChange(chosen.map(({ value }) => value))}
      />
    </InlineField>
  );
}
