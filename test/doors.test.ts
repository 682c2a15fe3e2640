import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { findWrongDoors, type Source } from './support/doors.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

async function readSources(): Promise<readonly Source[]> {
  const entries = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort()
  return Promise.all(
    paths.map(async (path) => ({
      path: relative(root, path).split(sep).join('/'),
      text: await readFile(path, 'utf8'),
    })),
  )
}

describe('the rooms of src', () => {
  it('are entered through their doors only', async () => {
    const sources = await readSources()
    expect(sources.length).toBeGreaterThan(3)
    expect(findWrongDoors(sources).join('\n')).toBe('')
  })
})

function problemsOf(path: string, text: string): readonly string[] {
  return findWrongDoors([{ path, text }])
}

describe('the guard of the doors lets pass', () => {
  it.each([
    [
      'src/core/retry.ts',
      `import type { Kysely } from 'kysely'\nimport { z } from 'zod'\nexport const at = new Date(0)`,
    ],
    [
      'src/store/jobs.ts',
      `import { sql } from 'kysely'\nimport pg from 'pg'\nexport const all = sql\`select 1 from jobs\``,
    ],
    [
      'src/engine/poller.ts',
      `import { claimJobs } from '../store/jobs.ts'\nimport { retry } from '../core/retry.ts'\nDate.now()`,
    ],
    ['src/telemetry/logger.ts', `import type { EngineEvent } from '../engine/events.ts'`],
    [
      'src/workflows/audit/store.ts',
      `import { sql } from 'kysely'\nexport const q = sql\`delete from x where y\``,
    ],
    ['src/workflows/audit/steps/crawl.ts', `import { x } from '../types.ts'\nimport { load } from 'cheerio'`],
    ['src/config.ts', `export const port = process.env.PORT`],
    ['src/main.ts', `import { createApp } from './app.ts'\nprocess.exitCode = 1`],
    [
      'src/http/page.ts',
      `export const hint = 'Select a site from the list'\n// process.env, any, select 1 from x`,
    ],
    ['src/http/words.ts', `export const many = 'many', any = 1`],
  ])('%s: %j', (path, text) => {
    expect(problemsOf(path, text)).toEqual([])
  })
})

describe('the guard of the doors catches', () => {
  it.each([
    [
      'core entering another room',
      'src/core/job.ts',
      `import { x } from '../store/jobs.ts'`,
      'may enter no other room',
    ],
    ['core doing I/O', 'src/core/job.ts', `import { readFile } from 'node:fs/promises'`, 'core is pure'],
    [
      'core loading a module later',
      'src/core/job.ts',
      `export const load = () => import('pg')`,
      'core is pure',
    ],
    ['core reading the clock', 'src/core/job.ts', 'export const now = () => Date.now()', 'no clock'],
    [
      'core making a date of now',
      'src/core/job.ts',
      'export const now = () => new Date()',
      'without an argument',
    ],
    ['core throwing dice', 'src/core/job.ts', 'export const dice = Math.random', 'no chance'],
    ['core knowing the process', 'src/core/job.ts', 'export const pid = process.pid', 'knows no machine'],
    [
      'store entering the engine, even for a type',
      'src/store/jobs.ts',
      `import type { E } from '../engine/events.ts'`,
      'may enter core',
    ],
    [
      'store re-exporting the engine',
      'src/store/jobs.ts',
      `export { e } from '../engine/events.ts'`,
      'may enter core',
    ],
    ['engine entering http', 'src/engine/poller.ts', `import '../http/app.ts'`, 'may enter core, store'],
    ['http entering app', 'src/http/app.ts', `export * from '../app.ts'`, 'may enter'],
    [
      'outbound entering store',
      'src/outbound/client.ts',
      `import { x } from '../store/jobs.ts'`,
      'may enter core',
    ],
    [
      'telemetry running the engine',
      'src/telemetry/logger.ts',
      `import { emit } from '../engine/events.ts'`,
      'types of that file',
    ],
    [
      'a workflow entering another',
      'src/workflows/audit/steps/crawl.ts',
      `import { x } from '../../import/types.ts'`,
      'imports no other',
    ],
    [
      'a workflow entering store',
      'src/workflows/audit/store.ts',
      `import { x } from '../../store/jobs.ts'`,
      'may enter core',
    ],
    [
      'a workflow naming pg',
      'src/workflows/audit/store.ts',
      `import type pg from 'pg'`,
      'handed its database',
    ],
    ['pg outside of store', 'src/engine/poller.ts', `import pg from 'pg'`, 'talk to the database'],
    [
      'a statement outside of store',
      'src/http/sites.ts',
      `export const q = \`select id\n  from jobs where a = \${1}\``,
      'holds the statement',
    ],
    [
      'a statement in capitals',
      'src/engine/reaper.ts',
      `export const q = "UPDATE jobs SET status = 'failed'"`,
      'holds the statement',
    ],
    [
      'an sql template outside of store',
      'src/http/sites.ts',
      'export const q = sql<number>`now()`',
      'sql template',
    ],
    [
      'a query builder outside of store',
      'src/http/sites.ts',
      `export const q = (db: D) => db.selectFrom('jobs')`,
      'calls selectFrom',
    ],
    ['the environment', 'src/engine/poller.ts', 'export const url = process.env.URL', 'reads process.env'],
    ['the environment, unpacked', 'src/engine/poller.ts', 'const { env } = process', 'reads process.env'],
    [
      'the environment, imported',
      'src/engine/poller.ts',
      `import { env } from 'node:process'`,
      'imports the environment',
    ],
    ['any', 'src/engine/poller.ts', 'export function f(x: any[]): void {}', 'type "any"'],
    ['a long file', 'src/engine/poller.ts', '\n'.repeat(401), '401 lines'],
    [
      'an import from outside',
      'src/engine/poller.ts',
      `import '../../test/support/wait.ts'`,
      'outside of src',
    ],
    ['a file that cannot be read', 'src/engine/poller.ts', 'export const = 1', 'no TypeScript'],
    ['a new room', 'src/misc/things.ts', '', 'table of doors'],
  ])('%s', (_title, path, text, expected) => {
    const problems = problemsOf(path, text)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(expected)
    expect(problems[0]?.startsWith(`${path} `)).toBe(true)
  })
})
