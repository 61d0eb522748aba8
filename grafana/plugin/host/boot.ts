/** Grafana's page leaves this before any of its libraries is loaded. */
const settings = {
  buildInfo: { version: '12.4.10', env: 'production' },
  featureToggles: {},
  bootData: {},
  datasources: {},
  theme2: undefined,
};
Object.assign(window, {
  grafanaBootData: { settings, user: { timezone: 'utc', locale: 'en-GB' }, navTree: [] },
  __grafana_public_path__: '/public/',
});

export {};
