import * as emotion from '@emotion/css';
import * as data from '@grafana/data';
import * as i18n from '@grafana/i18n';
import * as runtime from '@grafana/runtime';
import * as schema from '@grafana/schema';
import * as ui from '@grafana/ui';
import * as react from 'react';
import * as jsxRuntime from 'react/jsx-runtime';
import * as reactDom from 'react-dom';
import * as rxjs from 'rxjs';

/** What Grafana hands to plugins, by the names they ask with. */
const SHARED: Readonly<Record<string, unknown>> = {
  '@emotion/css': emotion,
  '@grafana/data': data,
  '@grafana/i18n': i18n,
  '@grafana/runtime': runtime,
  '@grafana/schema': schema,
  '@grafana/ui': ui,
  react,
  'react-dom': reactDom,
  'react/jsx-runtime': jsxRuntime,
  rxjs,
};

type Factory = (...modules: unknown[]) => unknown;

/** Loads a plugin's module.js as it was built: an AMD module that is given the host's libraries. */
export function loadPlugin<T>(address: string): Promise<{ readonly module: T; readonly asked: readonly string[] }> {
  return new Promise((resolve, reject) => {
    const define = (names: readonly string[], factory: Factory) => {
      const missing = names.filter((name) => !(name in SHARED));
      if (missing.length > 0) return reject(new Error(`Grafana gives no ${missing.join(', ')} to plugins`));
      resolve({ module: factory(...names.map((name) => SHARED[name])) as T, asked: names });
    };
    Object.assign(window, { define: Object.assign(define, { amd: {} }) });
    const script = document.createElement('script');
    script.src = address;
    script.onerror = () => reject(new Error(`${address} cannot be loaded`));
    document.head.append(script);
  });
}
