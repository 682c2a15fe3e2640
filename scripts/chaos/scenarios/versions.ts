/** Daemons of two versions on one database. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '../../../src/store/database.ts'
import { type migrate, readMigrations } from '../../../src/store/migrate.ts'
import { findPrevious, HERE_URL, makeNext, unpackCommit } from '../builds.ts'
import { checkHandlers, checkLimits } from '../checker-limits.ts'
import { sleep } from '../clock.ts'
import type { Daemon } from '../daemons.ts'
import { withClient } from '../ledger.ts'
import { createRandom } from '../random.ts'
import type { Scenario, Stage } from '../scenario.ts'
import { addSchedule, checkSchedules, endSchedules } from '../schedules.ts'
import { addToLimited, LIMITS, setLimits } from './limits.ts'

/** Applies the migrations of the build at `root`; returns their names and the seconds it took. */
async function migrateWith(
  root: string,
  url: string,
): Promise<{ applied: readonly string[]; seconds: number }> {
  const module = (await import(new URL('src/store/migrate.ts', root).href)) as { migrate: typeof migrate }
  const connections = connect({ url, max: 2, applicationName: 'rowbeat chaos migrate' })
  const begun = performance.now()
  try {
    const { applied } = await module.migrate(connections.pool)
    return { applied, seconds: (performance.now() - begun) / 1_000 }
  } finally {
    await connections.close()
  }
}

async function makeFolder(stage: Pick<Stage, 'onEnd'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rowbeat-chaos-versions-'))
  stage.onEnd(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function leave(stage: Stage, daemons: readonly Daemon[]): Promise<void> {
  const running = daemons.filter((one) => one.ended() === null)
  for (const daemon of running) daemon.end('SIGTERM')
  for (const daemon of running) {
    const ended = await Promise.race([daemon.exited, sleep(20_000)])
    if (ended?.code !== 0)
      stage.problem('SIGTERM ends with 0', `${daemon.name} ended with ${JSON.stringify(ended)}`)
  }
}

/** Root of the previous build of each database, from its migration on. */
const roots = new Map<string, string>()

async function prepareDatabase(url: string, stage: Pick<Stage, 'fact' | 'onEnd'>): Promise<void> {
  const previous = await findPrevious()
  if (previous === null) throw new Error('the history of git has gone')
  const root = await unpackCommit(previous.commit, await makeFolder(stage))
  roots.set(url, root)
  await migrateWith(root, url)
  const lacks = previous.missing.length === 0 ? 'no numbered migration' : previous.missing.join(', ')
  stage.fact(`previous version: commit ${previous.commit.slice(0, 10)}, which lacks ${lacks}`)
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
    stage.fault('SIGTERM to those of the previous version')
    await leave(stage, old)
    await sleep(Math.max(0, stage.leftMs()))
  },
}

/** Migrates under load. A migration that was edited before its first release cannot be brought forward. */
async function migrateForward(stage: Stage, root: string): Promise<void> {
  try {
    const { applied, seconds } = await migrateWith(HERE_URL, stage.url)
    stage.fault(`migrated to this version under load in ${seconds.toFixed(1)} s (${applied.length} files)`)
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
  const mine = await readMigrations(fileURLToPath(new URL('migrations/', HERE_URL)))
  const theirs = await readMigrations(fileURLToPath(new URL('migrations/', root)))
  await withClient(url, async (client) => {
    for (const { name, checksum } of mine.filter((one) => theirs.some((other) => other.name === one.name)))
      await client.query('update rowbeat.schema_migrations set checksum = $2 where name = $1', [
        name,
        checksum,
      ])
  })
  await migrateWith(HERE_URL, url)
}

export const nextVersion: Scenario = {
  name: 'next-version',
  guarantee:
    'A later version migrates the database forward while daemons of this one work and start: jobs, steps, limits and schedules go on.',
  daemons: 2,
  load: { perSecond: 10 },
  run: async (stage) => {
    const next = await makeNext(await makeFolder(stage))
    await setLimits(stage.url)
    await addSchedule(stage.url, { name: 'each_second', cron: '* * * * * *', everySeconds: 1 })
    const old = [...stage.daemons]
    const upgrade = async (): Promise<void> => {
      await sleep(stage.leftMs() / 4)
      const { applied, seconds } = await migrateWith(next, stage.url)
      stage.fault(`migrated to the next version under load in ${seconds.toFixed(1)} s: ${applied.join(', ')}`)
      const daemon = await stage.startDaemon({ root: next })
      stage.fault(`${daemon.name} of the next version works beside those of this one`)
      // A roll-back: daemons of this version start on the migrated database too.
      old.push(await stage.startDaemon())
      await sleep(Math.max(2_000, stage.leftMs() / 2))
      stage.fault('SIGTERM to those of this version')
      await leave(stage, old)
    }
    await Promise.all([upgrade(), addToLimited(stage, createRandom(stage.random.int(0, 2 ** 31), 'jobs'))])
    await endSchedules(stage)
  },
  inspect: async ({ stage, history, effects }) => [
    ...checkLimits(history.jobMoves, LIMITS),
    ...checkHandlers(effects, history.jobMoves, LIMITS),
    ...(await checkSchedules(stage.url, history)),
  ],
}
