import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { runWhydrop } from '../../test/run.js';

const BUNDLE = path.resolve(import.meta.dirname, '../../../../test/scenarios/contrail-three-tier/bundle');

let server: Server | undefined;

afterEach(() => server?.close());

/** A server that is not Whydrop, or not well. */
async function serve(status: number, type: string, body: string): Promise<string> {
  server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status, { 'content-type': type }).end(body));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const HTML = '<!DOCTYPE HTML><p>Unsupported method</p>';

it.each([
  ['a page', 501, 'text/html', HTML, '501 Not Implemented: this is no answer of Whydrop'],
  [
    'a refusal',
    401,
    'application/json',
    '{"error":{"code":"UNAUTHENTICATED","message":"no"}}',
    '401 UNAUTHENTICATED: no',
  ],
])('import ends with one line when %s is the answer to every batch', async (_what, status, type, body, reason) => {
  const url = await serve(status, type, body);
  expect(await runWhydrop('import', BUNDLE, '--url', url)).toEqual({
    code: 2,
    out: '',
    err: `whydrop import: ${url}: ${reason}\n`,
  });
});

it.each([
  ['a page', 501, 'text/html', HTML, '501 Not Implemented: this is no answer of Whydrop'],
  ['a page that says all is well', 200, 'text/html', HTML, '200 OK: this is no answer of Whydrop'],
  [
    'a refusal',
    401,
    'application/json',
    '{"errors":[{"message":"the token is not known","extensions":{"code":"UNAUTHENTICATED"}}]}',
    '401 UNAUTHENTICATED: the token is not known',
  ],
])('drops ends with one line when %s is the answer', async (_what, status, type, body, reason) => {
  const url = await serve(status, type, body);
  expect(await runWhydrop('drops', '--url', url)).toEqual({
    code: 2,
    out: '',
    err: `whydrop drops: ${url}: ${reason}\n`,
  });
});

it('tail says why a server that is not Whydrop cannot be followed', async () => {
  const url = await serve(501, 'text/html', HTML);
  const { code, err } = await runWhydrop('tail', '--url', url);
  expect(code).toBe(2);
  expect(err).toBe(
    `whydrop tail: ${url}: cannot be reached (Unexpected server response: 501); is Whydrop running there?\n`,
  );
});

it('explain of a drop that is not there is a no, not a mistake', async () => {
  const body = '{"data":null,"errors":[{"message":"there is no drop","extensions":{"code":"NOT_FOUND"}}]}';
  const url = await serve(200, 'application/json', body);
  expect(await runWhydrop('explain', 'abc', '--url', url)).toEqual({
    code: 1,
    out: '',
    err: 'no drop has the id abc\n',
  });
});
