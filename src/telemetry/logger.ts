/** The log: one JSON line per event. It subscribes to the engine; nothing else logs by hand. */
import { pino } from 'pino'
import type { Log } from '../core/ports.ts'
import { messageOf } from '../core/errors.ts'
import type { EngineEvent, Events } from '../engine/events.ts'
import type { ClaimedJob } from '../store/claims.ts'

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

function write(logger: Logger, event: EngineEvent): void {
  switch (event.type) {
    case 'jobs.claimed':
      return logger.debug({ event: event.type, queue: event.queue, count: event.count }, 'jobs claimed')
    case 'job.ended': {
      const facts = {
        event: event.type,
        job_id: event.jobId,
        job_type: event.jobType,
        execution_id: event.executionId ?? undefined,
        attempt: event.attempt,
        outcome: event.outcome,
        code: event.code ?? undefined,
        reason: event.message ?? undefined,
        seconds: round(event.seconds),
      }
      if (event.outcome === 'failed' || event.outcome === 'refused') return logger.warn(facts, `job ${event.outcome}`)
      if (event.outcome === 'completed' && event.executionId === null) return logger.debug(facts, 'job completed')
      return logger.info(facts, `job ${event.outcome}`)
    }
    case 'execution.closed':
      return logger.info({ event: event.type, execution_id: event.executionId, status: event.status }, 'execution closed')
    case 'service.failed':
      return logger.warn(
        { event: event.type, name: event.service, failures: event.failures, reason: messageOf(event.error) },
        'service failed; it is tried again',
      )
    case 'poller.fenced':
    case 'pollers.reaped':
    case 'reaper.held':
    case 'deadlines.ended': {
      const { type, ...facts } = event
      return logger.warn({ event: type, ...facts }, type.replace('.', ' '))
    }
    default: {
      const { type, ...facts } = event
      return logger.info({ event: type, ...facts }, type.replace('.', ' '))
    }
  }
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}
