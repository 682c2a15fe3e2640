/** The composition root: builds everything, starts and stops it in order. */
import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { migrateAt, migrateOrExplain, type OpenOptions, openDatabase } from './app/database.ts'
import type { Config } from './config.ts'
import type { Services } from './core/ports.ts'
import { ProblemError } from './core/problems.ts'
import { createRegistry, type Registry } from './core/registry.ts'
import { createCompute } from './engine/compute.ts'
import { createEngine, type Engine } from './engine/engine.ts'
import { createEvents, type Events } from './engine/events.ts'
import { createSnapshots, type Snapshots } from './engine/snapshot.ts'
import { createHttp } from './http/app.ts'
import { servedHosts } from './http/hosts.ts'
import { answerOnce } from './http/idempotency.ts'
import { createHttpServer, listen } from './http/server.ts'
import { createShare } from './http/shared-reads.ts'
import { createOutbound } from './outbound/client.ts'
import { createAdmitted, findLive } from './store/admissions.ts'
import { type Connections, connect, transaction, within } from './store/database.ts'
import { readDurations } from './store/durations.ts'
import { readExecution, readLatestExecution, readRecentRuns } from './store/executions.ts'
import { withFreeIds } from './store/job-ids.ts'
import { sendWake } from './store/listen.ts'
import { migrationNames, missingMigrations } from './store/migrate.ts'
import { readOverdueSchedules } from './store/schedules.ts'
import { createLogger, jobLog, type Logger, logEvents, logServer } from './telemetry/logger.ts'
import { createMetrics, type Metrics } from './telemetry/metrics.ts'
import { auditRoutes } from './workflows/audit/routes.ts'
import { auditWorkflow } from './workflows/audit/workflow.ts'

export interface App {
  /** Where the API answers, for instance `http://127.0.0.1:3000`; null without the API. */
  readonly url: string | null
  /** For a person at psql; a superuser's on the embedded server. */
  readonly databaseUrl: string
  /** Resolves, with why, when the app cannot go on: the embedded server ended for good. It is to be stopped then. */
  readonly failed: Promise<Error>
  /** Stops in order, running jobs get `deadlineMs` to finish. A second call with less cuts the first short. */
  stop(deadlineMs?: number): Promise<void>
}

export interface AppOptions extends OpenOptions {
  readonly api: boolean
  readonly poller: boolean
}

/** Connections of the API and of the handlers. */
const POOL_MAX = 12
/** Two writes of the poller, and its services. */
const ENGINE_POOL_MAX = 6
const PING_TIMEOUT_MS = 2_000
/** How long requests under way get to end when the server closes. */
const CLOSE_TIMEOUT_MS = 3_000

/**
 * Starts the parts asked for; migrates first. Throws an error whose message is fit for a person when the
 * database cannot be used or the port is taken; nothing is left running then.
 */
export async function startApp(config: Config, options: AppOptions): Promise<App> {
  const undo: (() => Promise<void>)[] = []
  const unwind = async (): Promise<void> => {
    for (const step of undo.toReversed()) await step()
  }
  try {
    return await build(config, options, undo)
  } catch (error) {
    await unwind()
    throw error
  }
}

async function build(config: Config, options: AppOptions, undo: (() => Promise<void>)[]): Promise<App> {
  const logger = createLogger({ level: config.logLevel, version: config.version })
  const database = await openDatabase(config, options, (event) => logServer(logger, event))
  undo.push(() => database.stop())
  const connections = connect({ url: database.url, max: POOL_MAX, applicationName: 'rowbeat' })
  undo.push(() => connections.close())
  if (database.migrateUrl === null) await migrateOrExplain(connections, database.url, options.note)
  else await migrateAt(database.migrateUrl, options.note)
  // The engine's own: a crowd of requests, or handlers that hold connections, must not delay its heartbeat.
  const engineConnections = connect({ url: database.url, max: ENGINE_POOL_MAX, applicationName: 'rowbeat' })
  undo.push(() => engineConnections.close())

  const events = createEvents((error) => logger.error({ err: error }, 'an event listener failed'))
  logEvents(logger, events)
  const metrics = createMetrics(events, config.version)
  const outbound = createOutbound({
    hostMap: config.hostMap,
    userAgent: `RowbeatBot/${config.version} (+https://rowbeat.example/bot)`,
    retry: config.audit.retry,
  })
  undo.push(() => outbound.close())
  const compute = createCompute()
  undo.push(() => compute.close())
  const services: Services = { db: connections.db, outbound, compute }
  const registry = createRegistry({ workflows: [auditWorkflow(config.audit)] })
  const snapshots = createSnapshots({ pool: connections.pool, events, onSnapshot: metrics.takeSnapshot })

  const engine = options.poller
    ? createEngine({
        pool: engineConnections.pool,
        registry,
        services,
        events,
        concurrency: config.concurrency,
        version: config.version,
        listenUrl: config.listenDatabaseUrl ?? database.url,
        logFor: (job) => jobLog(logger, job),
        timing: { drainGraceMs: config.shutdownSeconds * 1000 },
      })
    : null
  if (engine !== null) {
    await engine.start()
    undo.push(() => engine.stop(0))
  }
  // After the engine, so that the first look finds this process's poller.
  snapshots.start()
  undo.push(() => snapshots.stop())

  const parts = { config, connections, events, registry, services, engine, snapshots, metrics, logger }
  const http = options.api ? await startHttp(parts) : null
  if (http !== null) logger.info({ event: 'http.listening', url: http.url }, 'http listening')
  let stopping: Promise<void> | null = null

  const stop = async (deadlineMs: number): Promise<void> => {
    http?.drain()
    await engine?.stop(deadlineMs)
    await http?.close()
    await snapshots.stop()
    await compute.close()
    await outbound.close()
    await engineConnections.close()
    await connections.close()
    await database.stop()
  }
  return {
    url: http?.url ?? null,
    databaseUrl: database.psqlUrl,
    failed: database.lost,
    stop: (deadlineMs = config.shutdownSeconds * 1000) => {
      if (stopping !== null) void engine?.stop(deadlineMs)
      stopping ??= stop(deadlineMs)
      return stopping
    },
  }
}

interface Parts {
  readonly config: Config
  readonly connections: Connections
  readonly events: Events
  readonly registry: Registry
  readonly services: Services
  readonly engine: Engine | null
  readonly snapshots: Snapshots
  readonly metrics: Metrics
  readonly logger: Logger
}

interface HttpServer {
  readonly url: string
  /** Answers not-ready from now on. */
  drain(): void
  close(): Promise<void>
}

async function startHttp(parts: Parts): Promise<HttpServer> {
  const { config, connections, logger, metrics, snapshots } = parts
  let draining = false
  // Read once: an upgrade in place puts the files of the next version under a process that still runs.
  const migrations = await migrationNames()
  const app = createHttp({
    version: config.version,
    servedHosts: servedHosts(config.host, config.publicHosts),
    errorsPage: await readFile(new URL('../docs/errors.md', import.meta.url), 'utf8'),
    health: {
      pingDatabase: () => pingDatabase(connections),
      missingMigrations: () => missingMigrations(connections.pool, migrations),
      newestMigration: migrations.at(-1) ?? '',
      isDraining: () => draining,
      snapshot: () => snapshots.last(),
      overdueSchedules: async () => (await readOverdueSchedules(connections.pool)).map((one) => one.name),
      mappedHosts: [...config.hostMap.keys()],
    },
    metrics: () => metrics.registry.metrics(),
    observe: metrics.observeRequest,
    onError: (error, requestId) => logger.error({ err: error, request_id: requestId }, 'a request failed'),
    workflowRoutes: [auditRoutes(auditDeps(parts))],
  })
  const server = createHttpServer(app.fetch)
  const port = await listen(server, config.host, config.port)
  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    drain: () => {
      draining = true
    },
    close: () =>
      new Promise((done) => {
        // A request that trickles in, or an answer nobody reads, must not hold up the end of the process.
        const patience = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS)
        server.close(() => {
          clearTimeout(patience)
          done()
        })
        // Idle keep-alive connections would hold the server open until they time out.
        server.closeIdleConnections()
      }),
  }
}

/** What the audit's routes are handed of the rooms below. */
function auditDeps(parts: Parts): Parameters<typeof auditRoutes>[0] {
  const { connections, registry, services, config } = parts
  const { pool } = connections
  const workflowOf = (name: string) => {
    const workflow = registry.workflow(name)
    if (workflow === undefined) throw new Error(`workflow ${name} is not registered`)
    return workflow
  }
  const wake = (queue: string, priority: number): void => {
    if (parts.engine !== null) {
      parts.engine.wake(queue, priority)
      return
    }
    sendWake(pool, { queue, priority, dueAt: null }).catch((error: unknown) =>
      parts.events.emit({ type: 'service.failed', service: 'wake', error, failures: 1 }),
    )
  }
  const wakeFor = (name: string): void => {
    for (const step of workflowOf(name).steps.slice(0, 1)) wake(step.queue, step.priority)
  }
  return {
    db: connections.db,
    outbound: services.outbound,
    settings: config.audit,
    createExecution: async (name, input, { steps, requestId, admit }) => {
      const request = { workflow: workflowOf(name), input, steps, requestId }
      const live = await findLive(pool, name, request.workflow.subject(input))
      // Most of a crowd only joins: it takes no transaction.
      if (live !== null) return { executionId: live, created: false }
      const created = await withFreeIds(pool, () =>
        transaction(pool, (client) => createAdmitted(client, request, admit)),
      )
      if (created.created) wakeFor(name)
      return created
    },
    readExecution: (executionId) => readExecution(pool, executionId),
    findLatestExecution: (name, subject) => readLatestExecution(pool, name, subject),
    findRecentRuns: (name, subject, seconds) => readRecentRuns(pool, name, subject, seconds),
    readDurations: (jobTypes) => readDurations(pool, jobTypes),
    share: createShare(),
    problem: (code, detail, extras) => new ProblemError(code, detail, extras),
    resolves: async (domain) => {
      try {
        await lookup(domain)
        return true
      } catch {
        // Any failure of the resolver means the same to the caller: the name has no address now.
        return false
      }
    },
    idempotent: async (request, prepare) => {
      const made: string[] = []
      const answer = await answerOnce(pool, request, async () => {
        const work = await prepare()
        return (client) => {
          // Begun anew when the transaction is.
          made.length = 0
          return work({
            createExecution: async (name, input, { steps, requestId, admit }) => {
              const wanted = { workflow: workflowOf(name), input, steps, requestId }
              const execution = await createAdmitted(client, wanted, admit)
              if (execution.created) made.push(name)
              return execution
            },
            readExecution: (executionId) => readExecution(client, executionId),
          })
        }
      })
      // Only now is it committed, and there is something to find.
      for (const name of made) wakeFor(name)
      return { ...answer, status: answer.status === 200 ? 200 : 202 }
    },
  }
}

async function pingDatabase(connections: Connections): Promise<number> {
  const begun = performance.now()
  const query = connections.pool.query(within(PING_TIMEOUT_MS, { text: 'select 1' }))
  // A pool in an outage would wait for a connection longer than that.
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('no answer within 2 s')), PING_TIMEOUT_MS).unref()
  })
  query.catch(() => undefined)
  await Promise.race([query, late])
  return performance.now() - begun
}
