// Brings a checkout to where the product and its tests can run: packages, Prisma's client, the build.
// Runs before every `npm run demo | start | test`, with nothing but Node, and is quiet when there is nothing to do.
// With --link it only makes `npx whydrop` work, which `npm ci` asks for.
import { spawnSync } from 'child_process';
import { createHash } from 'crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'fs';
import path from 'path';
import { fileURLToPath } from 'url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const STAMPS = path.join(ROOT, 'dist', '.prepared.json');
const CONFIG = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json', '.swcrc'];
const NOT_SOURCES = new Set(['node_modules', 'dist', 'captures', 'generated', 'test', 'web']);

const at = (...parts) => path.join(ROOT, ...parts);
const read = (file) => readFileSync(at(file), 'utf8');
const readJson = (file) => (existsSync(at(file)) ? JSON.parse(read(file)) : undefined);
const hash = (parts) => createHash('sha256').update(parts.join('\0')).digest('hex');
const hashFiles = (files) => hash(files.map((file) => (existsSync(at(file)) ? read(file) : '')));

function fail(message) {
  console.error(message);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const known = major === 20 ? minor >= 19 : major === 22 ? minor >= 12 : major > 22;
  if (!known) fail(`Whydrop needs Node 20.19, 22.12 or later; this is ${process.versions.node} (https://nodejs.org)`);
}

/** Runs one step; its output is shown only when it fails. */
function run(what, command, args, env) {
  console.log(what);
  const options = { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28, env: Object.assign({}, process.env, env) };
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, options);
  if (status === 0) return;
  fail(
    `${stdout || ''}${stderr || ''}\n${path.basename(command)} ${args.join(' ')} failed: ${error || signal || `exit code ${status}`}`,
  );
}

const runBin = (what, name, args, env) =>
  run(what, process.execPath, [at('node_modules', ...name.split('/')), ...args], env);

/** What is missing or other than package-lock.json says, by npm's own list of what it installed; undefined when nothing is. */
function notInstalled() {
  const installed = readJson('node_modules/.package-lock.json');
  if (!installed) return 'node_modules';
  const wanted = Object.entries(readJson('package-lock.json').packages);
  const wrong = wanted.find(([name, entry]) => {
    if (name === '' || entry.optional || entry.devOptional || entry.peer) return false;
    const found = installed.packages[name];
    return !found || found.version !== entry.version;
  });
  return wrong && wrong[0];
}

function install() {
  const missing = notInstalled();
  if (!missing) return;
  const npm = process.env.npm_execpath;
  const [command, args] = npm ? [process.execPath, [npm]] : ['npm', []];
  const flags = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--loglevel=error'];
  run(`installing packages (${missing} is missing or another version) …`, command, args.concat(flags));
}

/** `npx whydrop` looks here; npm links the commands of dependencies, not those of the package itself. */
function linkCommand() {
  const link = at('node_modules', '.bin', 'whydrop');
  try {
    if (existsSync(path.dirname(link)) && !existsSync(link)) symlinkSync('../../bin/whydrop', link);
  } catch (error) {
    if (error.code !== 'EEXIST' && error.code !== 'EACCES' && error.code !== 'EROFS') throw error;
  }
}

/** Every source with its time and size: enough to see a change, and quick. */
function sources(folder, wanted) {
  if (!existsSync(at(folder))) return [];
  return readdirSync(at(folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) return NOT_SOURCES.has(entry.name) ? [] : sources(name, wanted);
    if (!wanted(entry.name)) return [];
    const { mtimeMs, size } = statSync(at(name));
    return [`${name} ${mtimeMs} ${size}`];
  });
}

const isBuilt = (name) => name.endsWith('.ts') && !name.endsWith('spec.ts');

function steps() {
  const config = hashFiles(CONFIG);
  const schema = hashFiles(['prisma/schema.prisma', 'package-lock.json']);
  const viteConfig =
    existsSync(at('apps/web')) && readdirSync(at('apps/web')).find((name) => name.startsWith('vite.config.'));
  return [
    {
      name: 'generate',
      stamp: schema,
      missing: !existsSync(at('libs/storage/src/generated/client.ts')),
      // No engine is needed, and none can be downloaded everywhere.
      run: () =>
        runBin('generating the Prisma client …', 'prisma/build/index.js', ['generate'], {
          PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true',
          CHECKPOINT_DISABLE: '1',
          PRISMA_HIDE_UPDATE_MESSAGE: '1',
        }),
    },
    {
      name: 'build',
      stamp: hash(
        [config, schema].concat(['apps', 'libs', 'lab', 'bench'].flatMap((folder) => sources(folder, isBuilt))),
      ),
      missing: !existsSync(at('dist/apps')),
      run: () => runBin('building …', '@nestjs/cli/bin/nest.js', ['build', '--all']),
    },
    viteConfig && {
      name: 'web',
      stamp: hash([read('package-lock.json')].concat(sources('apps/web', () => true))),
      missing: false,
      run: () => runBin('building the web page …', 'vite/bin/vite.js', ['build', 'apps/web', '--logLevel', 'warn']),
    },
  ].filter(Boolean);
}

function build() {
  let stamps = readJson('dist/.prepared.json') || {};
  if (stamps.config !== hashFiles(CONFIG)) {
    // What a change of configuration makes of files that did not change shows only in a build from nothing.
    rmSync(at('dist'), { recursive: true, force: true });
    stamps = { config: hashFiles(CONFIG) };
  }
  for (const step of steps()) {
    if (stamps[step.name] === step.stamp && !step.missing) continue;
    step.run();
    stamps[step.name] = step.stamp;
    mkdirSync(at('dist'), { recursive: true });
    writeFileSync(STAMPS, JSON.stringify(stamps));
  }
}

if (process.argv[2] === '--link') {
  linkCommand();
} else {
  checkNode();
  install();
  linkCommand();
  build();
}
