import { DataSourcePlugin } from '@grafana/data';
import { ConfigEditor } from './components/ConfigEditor';
import { QueryEditor } from './components/QueryEditor';
import { WhydropDataSource } from './datasource';
import type { WhydropOptions, WhydropQuery, WhydropSecrets } from './types';

export const plugin = new DataSourcePlugin<WhydropDataSource, WhydropQuery, WhydropOptions, WhydropSecrets>(
  WhydropDataSource,
)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor);
