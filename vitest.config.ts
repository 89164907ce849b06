import { existsSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

const globalSetup = ['server/tests/global-setup.ts'].filter((file) => existsSync(file))
const long = process.env['SOUK_TEST_LONG'] === '1'

export default defineConfig({
  test: {
    include: ['server/**/*.test.ts', 'devchain/**/*.test.ts', 'cli/**/*.test.ts', 'sdk/**/*.test.ts'],
    exclude: ['**/node_modules/**', ...(long ? [] : ['server/tests/long/**'])],
    globalSetup,
    pool: 'threads',
    // Files share their worker's modules: importing the server once a worker instead of once a file.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
