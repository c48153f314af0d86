import { defineConfig } from 'vite'

export default defineConfig({
  base: '/console/',
  root: import.meta.dirname,
  build: { outDir: 'dist', emptyOutDir: true, chunkSizeWarningLimit: 8_000, assetsInlineLimit: 0 },
  worker: { format: 'es' },
  oxc: { jsx: { runtime: 'automatic' } },
  // Dependencies carry "use client" directives, which mean nothing in a bundle; a warning for each hides those that matter.
  logLevel: 'error',
})
