/** A chaos daemon: the real engine of a build in a process of its own, made to be killed. */
import { readFile } from 'node:fs/promises'
import type { createRegistry } from '../../src/core/registry.ts'
import type { createEngine } from '../../src/engine/engine.ts'
import type { createEvents, EngineEvent } from '../../src/engine/events.ts'
import type { connect } from '../../src/store/database.ts'
import { defineCulprits } from './culprits.ts'
import { armFailpoints } from './failpoints.ts'
import { openLedger } from './ledger.ts'
import { type DaemonTask, type Report, STRAY_TEXT } from './messages.ts'
import { defineWork, loadCore, NO_COMPUTE, NO_OUTBOUND } from './workload.ts'

/** How the process ends when the database could not be reached at its start; its supervisor tries again. */
const EXIT_NO_START = 3

interface Build {
  readonly createRegistry: typeof createRegistry
  readonly createEngine: typeof createEngine
  readonly createEvents: typeof createEvents
  readonly connect: typeof connect
  readonly version: string
}

async function loadBuild(root: string): Promise<Build> {
  const load = (path: string): Promise<unknown> => import(new URL(path, root).href)
  const manifest: unknown = JSON.parse(await readFile(new URL('package.json', root), 'utf8'))
  const version = (manifest as { version?: unknown }).version
  return {
    ...((await load('src/core/registry.ts')) as Pick<Build, 'createRegistry'>),
    ...((await load('src/engine/engine.ts')) as Pick<Build, 'createEngine'>),
    ...((await load('src/engine/events.ts')) as Pick<Build, 'createEvents'>),
    ...((await load('src/store/database.ts')) as Pick<Build, 'connect'>),
    version: String(version),
  }
}

function tell(report: Report): void {
  process.send?.(report)
}

/** What a person may want to read of it afterwards. */
function textOf(event: EngineEvent): string | null {
  if (event.type === 'service.failed') return `${event.service} failed: ${String(event.error)}`
  if (event.type === 'poller.fenced') return `fenced: ${event.reason}, ${event.dropped} dropped`
  if (event.type === 'pollers.reaped')
    return `reaped ${event.pollers} pollers: ${event.retried} retried, ${event.failed} failed`
  if (event.type === 'reaper.held') return `reaper held: ${event.reason}`
  if (event.type === 'job.ended' && event.outcome === 'refused') return `refused job ${event.jobId}`
  return null
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function start(task: DaemonTask): Promise<() => Promise<void>> {
  const build = await loadBuild(task.root)
  const ledger = openLedger(task.ledgerUrl, task.run, task.name)
  const connections = build.connect({
    url: task.databaseUrl,
    max: task.poolMax,
    applicationName: `rowbeat ${task.name}`,
  })
  armFailpoints(connections.pool, task.failpoints, () => process.kill(process.pid, 'SIGKILL'))
  const events = build.createEvents((error) => {
    throw error
  })
  events.subscribe((event) => {
    const text = textOf(event)
    if (text !== null) tell({ type: 'event', text })
  })
  const core = await loadCore(task.root)
  const { job, walk } = defineWork(core, ledger)
  const engine = build.createEngine({
    pool: connections.pool,
    registry: build.createRegistry({
      jobs: [job, ...(task.culprits ? [defineCulprits(core, ledger)] : [])],
      workflows: [walk],
    }),
    services: { db: connections.db, outbound: NO_OUTBOUND, compute: NO_COMPUTE },
    events,
    concurrency: task.concurrency,
    version: build.version,
    listenUrl: task.listenUrl,
    logFor: () => ({ info: () => undefined, warn: () => undefined }),
  })
  let exitCode = 0
  const stop = async (): Promise<void> => {
    await engine.stop(task.drainMs)
    await connections.close()
    await ledger.close()
    process.exit(exitCode)
  }
  process.once('SIGTERM', () => void stop())
  if (task.culprits) {
    // As the program does: what a handler left behind ends the process, but not before its work is handed back.
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event, (error: unknown) => {
        tell({ type: 'event', text: `${STRAY_TEXT}${messageOf(error)}` })
        if (exitCode === 0) void stop()
        exitCode = 1
      })
    }
  }
  await engine.start()
  tell({ type: 'ready', pollerId: engine.pollerId() })
  return stop
}

// The runner is gone, perhaps killed: nothing must go on working.
process.on('disconnect', () => process.exit(1))
try {
  await start(JSON.parse(process.argv[2] ?? '{}') as DaemonTask)
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exit(EXIT_NO_START)
}
