// swc for TypeScript; in node_modules only ESM files that were reached through require(),
// which plain Node 20 can load and Jest cannot.
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { transformSync, version } = require('@swc/core');

const swcrc = JSON.parse(readFileSync(path.join(__dirname, '..', '.swcrc'), 'utf8'));
const isTs = (file) => file.endsWith('.ts');
const ESM = /^\s*(?:import\b(?!\s*\()|export\b)/m;

module.exports = {
  // The key must know supportsStaticESM; Jest's default key does not.
  getCacheKey(src, file, o) {
    const parts = [version, JSON.stringify(swcrc), file, String(o.supportsStaticESM), String(o.instrument), src];
    return createHash('sha1').update(parts.join('\0')).digest('hex');
  },
  process(src, file, o) {
    if (!isTs(file) && (o.supportsStaticESM || !ESM.test(src))) return { code: src };
    const { $schema: _schema, ...base } = swcrc;
    const jsc = isTs(file) ? base.jsc : { target: 'es2023', parser: { syntax: 'ecmascript' } };
    return transformSync(src, {
      ...base,
      swcrc: false,
      configFile: false,
      filename: file,
      sourceMaps: isTs(file) ? 'inline' : false,
      jsc: { ...jsc, ...(isTs(file) ? { transform: { ...jsc.transform, hidden: { jest: true } } } : {}) },
      module: { type: o.supportsStaticESM ? 'es6' : 'commonjs' },
    });
  },
};
