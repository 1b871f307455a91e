import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Native modules (SQLite) and worker threads are safest in processes of their own.
    pool: 'forks',
    // Most tests wait for processes and sockets more than they compute.
    maxWorkers: '100%',
  },
})
