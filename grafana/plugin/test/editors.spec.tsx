import type { DataSourceInstanceSettings } from '@grafana/data';
import { fireEvent, render, screen } from '@testing-library/react';
import { ConfigEditor, problemOf } from '../src/components/ConfigEditor';
import { QueryEditor } from '../src/components/QueryEditor';
import { WhydropDataSource } from '../src/datasource';
import type { WhydropOptions, WhydropQuery } from '../src/types';
import { giveAnswers } from './services';

const source = () => new WhydropDataSource({ url: '', jsonData: {} } as DataSourceInstanceSettings<WhydropOptions>);

function editor(query: Partial<WhydropQuery>) {
  giveAnswers(() => ({ status: 200, data: { data: { top: [] } } }));
  const onChange = jest.fn();
  const given = { refId: 'A', ...query } as WhydropQuery;
  render(<QueryEditor query={given} datasource={source()} onChange={onChange} onRunQuery={() => {}} />);
  return onChange;
}

describe('query editor', () => {
  it.each([
    ['trend', ['A series per', 'Sum of', 'Bucket', 'Compare with', 'Clusters', 'Causes']],
    ['top', ['By', 'Limit', 'Policies']],
    ['drops', ['As', 'Workloads']],
    ['alerts', ['Clusters', 'Policies', 'Namespaces']],
  ] as const)('%s: has what it needs', (kind, labels) => {
    editor({ kind });
    for (const label of labels) expect(screen.getAllByLabelText(label).length).toBeGreaterThan(0);
  });

  it('changes what was typed and keeps the rest', () => {
    const onChange = editor({ kind: 'trend', measure: 'PACKETS' });
    fireEvent.blur(screen.getByLabelText('Bucket'), { target: { value: ' 5m ' } });
    expect(onChange).toHaveBeenCalledWith({ refId: 'A', kind: 'trend', measure: 'PACKETS', step: '5m' });
  });
});

describe('config editor', () => {
  it('a token that is set is not shown', () => {
    const options = { jsonData: { url: 'http://api:4270' }, secureJsonFields: { apiToken: true } };
    render(<ConfigEditor options={options as never} onOptionsChange={() => {}} />);
    expect(screen.getByLabelText<HTMLInputElement>('Address of the API').value).toBe('http://api:4270');
    expect(screen.getByText('Reset')).toBeTruthy();
  });

  it.each([
    ['', undefined],
    ['http://api:4270', undefined],
    ['api', 'not an address'],
    ['ftp://api', 'begins with http'],
    ['http://api:4270/graphql', 'without /graphql'],
  ])('address %j: %s', (address, problem) => {
    if (problem === undefined) expect(problemOf(address)).toBeUndefined();
    else expect(problemOf(address)).toContain(problem);
  });
});
