/** The log: one JSON line per event. It subscribes to the engine; nothing else logs by hand. */
import { pino } from 'pino'
import { messageOf } from '../core/errors.ts'
import type { Log } from '../core/ports.ts'
import type { EngineEvent, Events } from '../engine/events.ts'
import type { ClaimedJob } from '../store/claims.ts'
import type { ServerEvent } from '../store/kept-server.ts'

export type Logger = ReturnType<typeof createLogger>

/** A logger that writes JSON lines to standard output, or nothing at level `silent`. */
export function createLogger(options: { readonly level: string; readonly version: string }) {
  return pino({
    level: options.level,
    base: { service: 'rowbeat', version: options.version, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  })
}

/** The log that a handler is given, bound to its job. */
export function jobLog(logger: Logger, job: ClaimedJob): Log {
  const child = logger.child({
    job_id: job.id,
    job_type: job.jobType,
    execution_id: job.executionId ?? undefined,
    attempt: job.attempt,
  })
  return {
    info: (message, facts) => child.info(facts ?? {}, message),
    warn: (message, facts) => child.warn(facts ?? {}, message),
  }
}

/** Writes a line for every event; the same failure of a service at most every 10 s. */
export function logEvents(logger: Logger, events: Events): () => void {
  const lastFailure = new Map<string, number>()
  return events.subscribe((event) => {
    if (event.type === 'service.failed') {
      const last = lastFailure.get(event.service) ?? Number.NEGATIVE_INFINITY
      if (performance.now() - last < 10_000) return
      lastFailure.set(event.service, performance.now())
    }
    write(logger, event)
  })
}

/** Events that somebody should look at. */
const WARNINGS: ReadonlySet<EngineEvent['type']> = new Set([
  'service.failed',
  'listener.deaf',
  'poller.fenced',
  'loop.stalled',
  'pollers.reaped',
  'reaper.held',
  'deadlines.ended',
  'schedule.missed',
  'schedule.problem',
])

/** A line for an event; every failing service, refused settlement and failed job is a warning. */
function write(logger: Logger, event: EngineEvent): void {
  if (event.type === 'job.ended') {
    writeJobEnd(logger, event)
    return
  }
  const { type, ...facts } = event
  const line = { event: type, ...facts }
  const sentence = type.replace('.', ' ')
  if (event.type === 'service.failed') logger.warn({ ...line, error: messageOf(event.error) }, sentence)
  else if (WARNINGS.has(type)) logger.warn(line, sentence)
  else if (type === 'jobs.claimed') logger.debug(line, sentence)
  else logger.info(line, sentence)
}

/** Writes what became of the embedded server. */
export function logServer(logger: Logger, event: ServerEvent): void {
  const { type, ...facts } = event
  const line = { event: type, ...facts }
  const sentence = type.replace('.', ' ').replace('_', ' ')
  if (event.type === 'database.start_failed')
    logger.error({ ...line, error: messageOf(event.error) }, sentence)
  else logger.warn(line, sentence)
}

function writeJobEnd(logger: Logger, event: Extract<EngineEvent, { type: 'job.ended' }>): void {
  const { outcome } = event
  const line = {
    event: event.type,
    job_id: event.jobId,
    job_type: event.jobType,
    execution_id: event.executionId ?? undefined,
    attempt: event.attempt,
    outcome,
    code: event.code ?? undefined,
    reason: event.message ?? undefined,
    seconds: round(event.seconds),
  }
  if (outcome === 'failed' || outcome === 'refused') logger.warn(line, `job ${outcome}`)
  // A plain job that completed is the ordinary case, thousands of times a second.
  else if (outcome === 'completed' && event.executionId === null) logger.debug(line, 'job completed')
  else logger.info(line, `job ${outcome}`)
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}
