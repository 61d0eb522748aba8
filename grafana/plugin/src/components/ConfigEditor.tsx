import {
  type DataSourcePluginOptionsEditorProps,
  onUpdateDatasourceJsonDataOption,
  onUpdateDatasourceSecureJsonDataOption,
  updateDatasourcePluginResetOption,
} from '@grafana/data';
import { InlineField, Input, SecretInput } from '@grafana/ui';
import type { WhydropOptions, WhydropSecrets } from '../types';

type Props = DataSourcePluginOptionsEditorProps<WhydropOptions, WhydropSecrets>;

function isAddress(text: string): boolean {
  try {
    return new URL(text).href !== '';
  } catch {
    return false;
  }
}

/** Why an address cannot be right, in words; undefined when it can. */
export function problemOf(address: string | undefined): string | undefined {
  if (!address) return undefined;
  if (!isAddress(address)) return 'not an address: http://whydrop-api:4270';
  if (!/^https?:\/\//.test(address)) return 'begins with http:// or https://';
  return /\/graphql\/?$/.test(address) ? 'without /graphql at the end' : undefined;
}

export function ConfigEditor(props: Props) {
  const { jsonData, secureJsonData, secureJsonFields } = props.options;
  return (
    <>
      <InlineField
        label="Address of the API"
        labelWidth={22}
        tooltip="Where Grafana's server reaches Whydrop"
        invalid={problemOf(jsonData.url) !== undefined}
        error={problemOf(jsonData.url)}
      >
        <Input
          aria-label="Address of the API"
          width={50}
          placeholder="http://whydrop-api:4270"
          value={jsonData.url ?? ''}
          onChange={onUpdateDatasourceJsonDataOption(props, 'url')}
        />
      </InlineField>
      <InlineField
        label="Token"
        labelWidth={22}
        tooltip="whydrop token create --name grafana --role viewer. It stays in Grafana's server."
      >
        <SecretInput
          aria-label="Token"
          width={50}
          placeholder="whd_…"
          isConfigured={secureJsonFields['apiToken'] === true}
          value={secureJsonData?.apiToken ?? ''}
          onChange={onUpdateDatasourceSecureJsonDataOption(props, 'apiToken')}
          onReset={() => updateDatasourcePluginResetOption(props, 'apiToken')}
        />
      </InlineField>
      <InlineField
        label="Address of the page"
        labelWidth={22}
        tooltip="Where browsers reach Whydrop, for links; empty: the same address"
        invalid={problemOf(jsonData.pageUrl) !== undefined}
        error={problemOf(jsonData.pageUrl)}
      >
        <Input
          aria-label="Address of the page"
          width={50}
          placeholder="https://whydrop.example.org"
          value={jsonData.pageUrl ?? ''}
          onChange={onUpdateDatasourceJsonDataOption(props, 'pageUrl')}
        />
      </InlineField>
    </>
  );
}
