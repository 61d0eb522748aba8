import { routes } from './decoder.js';

it('reads a table of as many routes as a call takes no arguments', () => {
  const table = JSON.stringify(Array.from({ length: 131_000 }, () => ({ dst: '10.0.0.0/8', dev: 'eth0' })));
  const context = { observedFrom: 0, observedTo: undefined, firstLine: 1, attributes: {} };
  const [listing] = [...routes.decode(table, context)];
  expect(listing).toMatchObject({ routes: { length: 131_000 } });
});
