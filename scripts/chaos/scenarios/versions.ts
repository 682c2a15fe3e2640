/** Daemons of two versions on one database. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { connect } from '../../../src/store/database.ts'
import { runProgram } from '../../../src/store/embedded/processes.ts'
import type { migrate } from '../../../src/store/migrate.ts'
import { sleep } from '../clock.ts'
import { withClient } from '../ledger.ts'
import type { Scenario, Stage } from '../scenario.ts'

const HERE = fileURLToPath(new URL('../../../', import.meta.url))
/** What a daemon is made of. */
const PARTS = ['src', 'migrations', 'package.json'] as const
const ENGINE = ['src/engine', 'src/store', 'src/core', 'migrations'] as const

async function git(...args: readonly string[]): Promise<string | null> {
  const ended = await runProgram('git', ['-c', 'safe.directory=*', '-C', HERE, ...args], {
    timeoutMs: 20_000,
  })
  return ended.code === 0 ? ended.output.trim() : null
}

/** The commit before the last change of the engine: HEAD when the tree differs from it, else its parent. */
async function findPrevious(): Promise<string | null> {
  const head = await git('rev-parse', 'HEAD')
  if (head === null) return null
  const changed = await git('status', '--porcelain', '--', ...ENGINE)
  if (changed !== null && changed !== '') return head
  const last = await git('rev-list', '--max-count=1', 'HEAD', '--', ...ENGINE)
  const before = last === null || last === '' ? null : await git('rev-parse', '--verify', `${last}~1`)
  // The first commits hold no engine.
  return before !== null && (await git('cat-file', '-e', `${before}:src/engine/engine.ts`)) !== null
    ? before
    : null
}

/** Unpacks a commit beside this checkout's packages; returns its root as a `file:` URL. */
async function unpack(commit: string, folder: string): Promise<string> {
  const root = join(folder, 'previous')
  await mkdir(root)
  await new Promise<void>((resolve, reject) => {
    const archive = spawn('git', ['-c', 'safe.directory=*', '-C', HERE, 'archive', commit, ...PARTS], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const tar = spawn('tar', ['-x', '-C', root], { stdio: [archive.stdout, 'inherit', 'inherit'] })
    archive.once('error', reject)
    tar.once('error', reject)
    tar.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`tar ended with ${code}`))))
  })
  await symlink(join(HERE, 'node_modules'), join(root, 'node_modules'))
  return `${pathToFileURL(root).href}/`
}

/** Root of the previous build of each database, from its migration on. */
const roots = new Map<string, string>()

async function migrateWith(root: string, url: string): Promise<void> {
  const module = (await import(new URL('src/store/migrate.ts', root).href)) as { migrate: typeof migrate }
  const connections = connect({ url, max: 1, applicationName: 'rowbeat chaos migrate' })
  try {
    await module.migrate(connections.pool)
  } finally {
    await connections.close()
  }
}

async function prepareDatabase(url: string, stage: Pick<Stage, 'fact' | 'onEnd'>): Promise<void> {
  const commit = await findPrevious()
  if (commit === null) throw new Error('the history of git has gone')
  const folder = await mkdtemp(join(tmpdir(), 'rowbeat-chaos-versions-'))
  stage.onEnd(() => rm(folder, { recursive: true, force: true }))
  const root = await unpack(commit, folder)
  roots.set(url, root)
  await migrateWith(root, url)
  stage.fact(`previous version: commit ${commit.slice(0, 10)}`)
}

export const twoVersions: Scenario = {
  name: 'two-versions',
  guarantee:
    'The database is migrated under load, and daemons of the previous and of this version share its work.',
  daemons: 0,
  load: { perSecond: 10 },
  cannotRun: async () =>
    (await findPrevious()) === null ? 'the git history holds no earlier version of the engine' : null,
  migrate: prepareDatabase,
  run: async (stage) => {
    const root = roots.get(stage.url)
    if (root === undefined) throw new Error('there is no previous build')
    const old = [await stage.startDaemon({ root }), await stage.startDaemon({ root })]
    stage.fault('two daemons of the previous version work')
    await sleep(stage.leftMs() / 4)
    await migrateForward(stage, root)
    for (const daemon of [await stage.startDaemon(), await stage.startDaemon()])
      stage.fault(`${daemon.name} of this version works beside them`)
    await sleep(Math.max(2_000, stage.leftMs() / 2))
    for (const daemon of old) daemon.end('SIGTERM')
    stage.fault('SIGTERM to those of the previous version')
    for (const daemon of old) {
      const ended = await Promise.race([daemon.exited, sleep(20_000)])
      if (ended?.code !== 0)
        stage.problem('SIGTERM ends with 0', `${daemon.name} ended with ${JSON.stringify(ended)}`)
    }
    await sleep(Math.max(0, stage.leftMs()))
  },
}

/** Migrates under load. A migration that was edited before its first release cannot be brought forward. */
async function migrateForward(stage: Stage, root: string): Promise<void> {
  try {
    await migrateWith(new URL('../../../', import.meta.url).href, stage.url)
    stage.fault('migrated to this version under load')
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (!message.includes('was changed after it was applied')) throw error
    stage.fact(`not migrated as it is: ${message}`)
    await acceptEdited(stage.url, root)
    stage.fault(
      'migrated what is new under load, leaving edited migrations as the previous version applied them',
    )
  }
}

/** Takes edited migrations as applied, and applies the others. */
async function acceptEdited(url: string, root: string): Promise<void> {
  const here = new URL('../../../', import.meta.url).href
  const { readMigrations } = await import('../../../src/store/migrate.ts')
  const mine = await readMigrations(fileURLToPath(new URL('migrations/', here)))
  const theirs = await readMigrations(fileURLToPath(new URL('migrations/', root)))
  await withClient(url, async (client) => {
    for (const { name, checksum } of mine.filter((one) => theirs.some((other) => other.name === one.name)))
      await client.query('update rowbeat.schema_migrations set checksum = $2 where name = $1', [
        name,
        checksum,
      ])
  })
  await migrateWith(here, url)
}
