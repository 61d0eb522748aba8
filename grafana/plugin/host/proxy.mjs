// A stand-in of Grafana's server: the plugin's files, and its data proxy. It does to a request what Grafana does: finds the
// route of plugin.json by path and method, fills in JsonData and SecureJsonData, drops cookies and what the browser says of
// itself, adds the route's headers. Nothing of the secrets reaches the page.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const TYPES = {
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.html': 'text/html',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};
/** What Grafana's proxy removes before it passes a request on. */
const DROPPED = [
  'cookie',
  'origin',
  'referer',
  'host',
  'connection',
  'content-length',
  'accept-encoding',
  'authorization',
];

/** `{{ .JsonData.url }}`; a name that is not there fails as it does in Grafana. */
export function fillIn(template, source) {
  return template.replace(/{{\s*\.(JsonData|SecureJsonData)\.(\w+)\s*}}/g, (_, part, name) => {
    const value = (part === 'JsonData' ? source.jsonData : source.secureJsonData)[name];
    if (value === undefined)
      throw new Error(`plugin.json asks for ${part}.${name}, which the data source does not have`);
    return value;
  });
}

/** The route that a request takes; undefined when plugin.json has none for it. */
export function routeOf(routes, method, proxyPath) {
  return routes.find((route) => {
    const isMethod = !route.method || route.method === '*' || route.method === method;
    return isMethod && (proxyPath === route.path || proxyPath.startsWith(`${route.path}/`));
  });
}

async function pass(request, proxyPath, routes, source) {
  const route = routeOf(routes, request.method, proxyPath);
  if (!route) return { status: 403, body: JSON.stringify({ message: 'no route of plugin.json leads there' }) };
  const url = fillIn(route.url, source).replace(/\/+$/, '') + proxyPath.slice(route.path.length);
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !DROPPED.includes(name)));
  for (const { name, content } of route.headers ?? []) headers[name.toLowerCase()] = fillIn(content, source);
  const body = Buffer.concat(await bytesOf(request));
  const answer = await fetch(url, { method: request.method, headers, body });
  return { status: answer.status, body: await answer.text(), type: answer.headers.get('content-type') };
}

async function bytesOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks;
}

/** Serves `files` (address to file) and the proxy of one data source; `seen` is told of every request that was passed on. */
export async function startStandIn({ files, routes, source, seen = () => {} }) {
  const prefix = `/api/datasources/proxy/uid/${source.uid}/`;
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const send = ({ status, body, type = 'application/json' }) =>
      response.writeHead(status, { 'content-type': type }).end(body);
    if (pathname.startsWith(prefix)) {
      const proxyPath = pathname.slice(prefix.length);
      seen({ method: request.method, path: proxyPath, headers: request.headers });
      pass(request, proxyPath, routes, source)
        .then(send)
        .catch((error) => send({ status: 502, body: JSON.stringify({ message: error.message }) }));
      return;
    }
    const file = files[pathname];
    if (!file) return send({ status: 404, body: '{}' });
    const type = `${TYPES[path.extname(file)] ?? 'text/plain'}; charset=utf-8`;
    send({ status: 200, body: readFileSync(file), type });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}
