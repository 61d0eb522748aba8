import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import Ajv from 'ajv';
import packageJson from '../package.json';
import plugin from '../src/plugin.json';
import schema from './plugin.schema.json';

const PLUGIN = path.join(__dirname, '..');

describe('plugin.json', () => {
  it('is as Grafana wants it', () => {
    const ajv = new Ajv({ strict: false, unicodeRegExp: false });
    expect(ajv.validate(schema, plugin) ? [] : ajv.errors).toEqual([]);
  });

  it('has the version of the package, told in the changelog', () => {
    const { version, updated } = plugin.info;
    expect(version).toBe(packageJson.version);
    expect(readFileSync(path.join(PLUGIN, 'CHANGELOG.md'), 'utf8')).toContain(`## ${version} (${updated})`);
  });

  it('names files that are there', () => {
    const files = [plugin.info.logos.small, plugin.info.logos.large, ...plugin.includes.map((one) => one.path)];
    expect(files.filter((file) => !existsSync(path.join(PLUGIN, 'src', file)))).toEqual([]);
  });

  it('keeps the token to the server: no route has it in its address, none but the API is open', () => {
    expect(plugin.routes.map(({ path: route, method }) => [route, method])).toEqual([['gql', 'POST']]);
    expect(plugin.routes.some(({ url }) => url.includes('Secure'))).toBe(false);
  });
});
