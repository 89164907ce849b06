import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { newId } from '#kernel/id'
import {
  createDatabase,
  dropDatabase,
  openEmbeddedPostgres,
  databaseUrl as urlOf,
} from '#platform/embedded-postgres/index'
import { migrate } from '#platform/migrate'

declare module 'vitest' {
  export interface ProvidedContext {
    databaseUrl: string
    templateName: string
  }
}

/** One PostgreSQL for the whole run (yours with `DATABASE_URL`, else the embedded one) and one migrated template in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const own = process.env['DATABASE_URL']
  const embedded = own ? undefined : await openEmbeddedPostgres({ dataDir: testDataDir() })
  const databaseUrl = own ?? embedded?.url ?? ''
  const templateName = `template_${newId().replaceAll('-', '')}`
  await createDatabase(databaseUrl, templateName)
  await migrate(urlOf(databaseUrl, templateName))
  project.provide('databaseUrl', databaseUrl)
  project.provide('templateName', templateName)
  return async () => {
    await dropDatabase(databaseUrl, templateName)
    await embedded?.stop()
  }
}

function testDataDir(): string {
  const dir = join(tmpdir(), `souk-tests-${process.getuid?.() ?? 'user'}`)
  mkdirSync(dir, { recursive: true })
  return dir
}
