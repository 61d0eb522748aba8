const { readdirSync, readFileSync } = require('node:fs');
const path = require('node:path');

const SRC = path.join(__dirname, 'src');

/** What Grafana gives to every plugin at run time: its own copies, never ours. */
const SHARED = [
  '@emotion/css',
  '@grafana/data',
  '@grafana/i18n',
  '@grafana/runtime',
  '@grafana/schema',
  '@grafana/ui',
  'lodash',
  'react',
  'react-dom',
  'react/jsx-runtime',
  'rxjs',
];
/** `rxjs/operators` is shared as well. */
const SHARED_BELOW = /^(rxjs|lodash|@grafana\/(ui|data|runtime))\//;

/** Files that Grafana reads as they are, by their place in the plugin's folder. */
function plainFiles() {
  const below = (folder) => readdirSync(path.join(SRC, folder)).map((name) => `${folder}/${name}`);
  return [
    ...['plugin.json', ...below('img'), ...below('dashboards')].map((name) => [name, path.join(SRC, name)]),
    ...['README.md', 'CHANGELOG.md'].map((name) => [name, path.join(__dirname, name)]),
    ['LICENSE', path.join(__dirname, '../../LICENSE')],
  ];
}

class PlainFiles {
  apply(compiler) {
    const { Compilation, sources } = compiler.webpack;
    compiler.hooks.thisCompilation.tap('PlainFiles', (compilation) => {
      compilation.hooks.processAssets.tap(
        { name: 'PlainFiles', stage: Compilation.PROCESS_ASSETS_STAGE_ADDITIONAL },
        () => {
          for (const [name, file] of plainFiles())
            compilation.emitAsset(name, new sources.RawSource(readFileSync(file)));
        },
      );
    });
  }
}

/** @type {import('webpack').Configuration} */
module.exports = {
  context: __dirname,
  entry: { module: './src/module.ts' },
  devtool: 'source-map',
  externals: [
    ({ request }, done) => (SHARED.includes(request) || SHARED_BELOW.test(request) ? done(null, request) : done()),
  ],
  module: {
    rules: [
      {
        test: /\.tsx?$/,
        loader: 'swc-loader',
        options: {
          jsc: {
            target: 'es2022',
            parser: { syntax: 'typescript', tsx: true },
            transform: { react: { runtime: 'automatic' } },
          },
        },
      },
    ],
  },
  output: {
    clean: true,
    path: path.join(__dirname, 'dist'),
    filename: '[name].js',
    library: { type: 'amd' },
    publicPath: 'public/plugins/whydrop-drops-datasource/',
    uniqueName: 'whydrop-drops-datasource',
  },
  plugins: [new PlainFiles()],
  resolve: { extensions: ['.ts', '.tsx', '.js'] },
};
