const path = require('node:path');

/** The page that stands for Grafana: its real libraries in one file. Takes half a minute and is built once. */
module.exports = {
  mode: 'development',
  devtool: false,
  context: __dirname,
  entry: { host: './page.tsx' },
  output: { path: path.join(__dirname, 'dist'), filename: '[name].js', publicPath: '/', asyncChunks: false },
  module: {
    rules: [
      {
        test: /\.tsx?$/,
        exclude: /node_modules/,
        loader: 'swc-loader',
        options: {
          jsc: {
            target: 'es2022',
            parser: { syntax: 'typescript', tsx: true },
            transform: { react: { runtime: 'automatic' } },
          },
        },
      },
      // Grafana's own build reads .mjs like this: the default of a CommonJS module is its `default`.
      { test: /\.m?js$/, type: 'javascript/auto', resolve: { fullySpecified: false } },
      { test: /\.css$/, type: 'asset/source' },
      { test: /\.(svg|png|woff2?)$/, type: 'asset/inline' },
    ],
  },
  optimization: { splitChunks: false },
  performance: false,
  plugins: [new (require('webpack').optimize.LimitChunkCountPlugin)({ maxChunks: 1 })],
  resolve: { extensions: ['.tsx', '.ts', '.mjs', '.js'] },
  stats: 'errors-warnings',
};
