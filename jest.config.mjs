export default {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  testRegex: '^(?!.*/grafana/plugin/).*/(apps|libs|test|lab)/.*\\.(spec|e2e-spec)\\.ts$',
  extensionsToTreatAsEsm: ['.ts'],
  resolver: '<rootDir>/tools/jest-resolver.cjs',
  transform: { '\\.(ts|js)$': '<rootDir>/tools/jest-transform.cjs' },
  transformIgnorePatterns: [],
  moduleNameMapper: { '^@whydrop/(.*)$': '<rootDir>/libs/$1/src/index.ts' },
  modulePathIgnorePatterns: ['<rootDir>/dist'],
  maxWorkers: 2,
  workerIdleMemoryLimit: '512MB',
  testTimeout: 30_000,
};
