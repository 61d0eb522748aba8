import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// While developing, `npx vite apps/web` asks a running API.
const api = process.env['WHYDROP_URL'] ?? 'http://127.0.0.1:4270';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: { outDir: 'dist', emptyOutDir: true, assetsInlineLimit: 0 },
  server: { proxy: { '/graphql': { target: api } } },
});
