/** The real @grafana/data, runtime and ui, in jsdom; what they import is no CommonJS and is translated too. */
module.exports = {
  rootDir: __dirname,
  testEnvironment: 'jsdom',
  testMatch: ['<rootDir>/test/**/*.spec.{ts,tsx}'],
  setupFiles: ['<rootDir>/test/setup.ts'],
  moduleNameMapper: {
    '\\.(css|scss)$': 'identity-obj-proxy',
    'react-inlinesvg': '<rootDir>/test/no-svg.tsx',
  },
  transform: {
    '^.+\\.m?(t|j)sx?$': [
      '@swc/jest',
      {
        sourceMaps: 'inline',
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', tsx: true, decorators: false },
          transform: { react: { runtime: 'automatic' } },
        },
      },
    ],
  },
  transformIgnorePatterns: [
    'node_modules/(?!(.*(d3-?[a-z]*|internmap|delaunator|robust-predicates|ol|react-colorful|uuid|marked|@grafana|react-calendar|get-user-locale|memoize|mimic-function|map-age-cleaner|p-defer|lodash-es|leven|monaco|tinycolor|earcut|quick-lru|rbush|quickselect|pbf|geotiff|react-data-grid|nanoid|i18next|micro-memoize|fast-equals|@wojtekmaj|date-fns|immer|moveable|@moveable)[^/]*)/)',
  ],
};
