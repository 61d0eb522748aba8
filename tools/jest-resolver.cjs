// './x.js' written in TypeScript means './x.ts'; packages resolve as usual.
const path = require('node:path');
const { existsSync } = require('node:fs');

module.exports = (request, options) => {
  const ours = !options.basedir.includes(`${path.sep}node_modules${path.sep}`);
  if (request.startsWith('.') && request.endsWith('.js') && ours) {
    const ts = path.resolve(options.basedir, `${request.slice(0, -3)}.ts`);
    if (existsSync(ts)) return ts;
  }
  return options.defaultResolver(request, options);
};
