/** Metrics in Prometheus' format. Labels are bounded: never a domain, an id, an address or a poller's name. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { EngineEvent, Events } from '../engine/events.ts'
import type { Snapshot } from '../store/reports.ts'

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800]

export interface Metrics {
  readonly registry: Registry
  /** Counts one answered request; `route` is the template, never the path. */
  observeRequest(method: string, route: string, status: number, seconds: number): void
  /** Takes in the state that was read every 10 s. */
  takeSnapshot(snapshot: Snapshot): void
}

/** Builds the registry and subscribes to the engine. */
export function createMetrics(events: Events, version: string): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'rowbeat_build_info',
    help: 'Version of this process.',
    labelNames: ['version'],
    registers,
  })
    .labels(version)
    .set(1)

  const jobs = new Gauge({
    name: 'rowbeat_jobs',
    help: 'Open jobs by queue and status, counted to 10,000 each, read every 10 s.',
    labelNames: ['queue', 'status'],
    registers,
  })
  const oldest = new Gauge({
    name: 'rowbeat_oldest_ready_age_seconds',
    help: 'Age of the oldest job that is due and not claimed.',
    labelNames: ['queue'],
    registers,
  })
  const executions = new Gauge({
    name: 'rowbeat_executions',
    help: 'Open executions by workflow type and status.',
    labelNames: ['workflow_type', 'status'],
    registers,
  })
  const pollers = new Gauge({ name: 'rowbeat_pollers', help: 'Pollers that beat.', registers })
  const snapshotAt = new Gauge({
    name: 'rowbeat_snapshot_timestamp_seconds',
    help: 'When the state gauges were read.',
    registers,
  })
  const ended = new Counter({
    name: 'rowbeat_attempts_total',
    help: 'Attempts that ended, by outcome; refused ones came too late.',
    labelNames: ['queue', 'job_type', 'outcome'],
    registers,
  })
  const runSeconds = new Histogram({
    name: 'rowbeat_run_seconds',
    help: 'How long handlers ran.',
    labelNames: ['job_type', 'outcome'],
    buckets: SECONDS,
    registers,
  })
  const waitSeconds = new Histogram({
    name: 'rowbeat_wait_seconds',
    help: 'From due to claimed; deliberate delay is not counted.',
    labelNames: ['queue'],
    buckets: SECONDS,
    registers,
  })
  const claimSeconds = new Histogram({
    name: 'rowbeat_claim_seconds',
    help: 'Duration of claims that returned jobs.',
    buckets: SECONDS,
    registers,
  })
  const claimSize = new Histogram({
    name: 'rowbeat_claim_batch_size',
    help: 'Jobs per claim.',
    buckets: [1, 4, 16, 64, 256, 512],
    registers,
  })
  const closed = new Counter({
    name: 'rowbeat_executions_closed_total',
    help: 'Executions closed, by status.',
    labelNames: ['status'],
    registers,
  })
  const reaped = new Counter({
    name: 'rowbeat_reaped_jobs_total',
    help: 'Jobs taken back from dead pollers.',
    labelNames: ['outcome'],
    registers,
  })
  const failures = new Counter({
    name: 'rowbeat_service_failures_total',
    help: 'Failed passes of the services of this process.',
    labelNames: ['service'],
    registers,
  })
  const scheduleRuns = new Counter({
    name: 'rowbeat_schedule_events_total',
    help: 'Schedules that fired, missed a time, or cannot fire.',
    labelNames: ['schedule', 'event'],
    registers,
  })
  const requests = new Histogram({
    name: 'rowbeat_http_request_seconds',
    help: 'HTTP requests by route template.',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS.slice(0, 11),
    registers,
  })

  events.subscribe((event: EngineEvent) => {
    switch (event.type) {
      case 'job.ended':
        ended.labels(event.queue, event.jobType, event.outcome).inc()
        runSeconds.labels(event.jobType, event.outcome).observe(event.seconds)
        waitSeconds.labels(event.queue).observe(Math.max(0, event.waitedSeconds))
        return
      case 'jobs.claimed':
        claimSeconds.observe(event.seconds)
        claimSize.observe(event.count)
        return
      case 'execution.closed':
        closed.labels(event.status).inc()
        return
      case 'pollers.reaped':
        reaped.labels('retried').inc(event.retried)
        reaped.labels('failed').inc(event.failed)
        return
      case 'service.failed':
        failures.labels(event.service).inc()
        return
      case 'schedule.fired':
      case 'schedule.missed':
      case 'schedule.problem':
        scheduleRuns.labels(event.schedule, event.type.slice('schedule.'.length)).inc()
        return
      default:
    }
  })

  return {
    registry,
    observeRequest: (method, route, status, seconds) =>
      requests.labels(method, route, String(status)).observe(seconds),
    takeSnapshot: (snapshot) => {
      jobs.reset()
      oldest.reset()
      executions.reset()
      for (const queue of snapshot.queues) {
        jobs.labels(queue.queue, 'pending').set(queue.pending)
        jobs.labels(queue.queue, 'running').set(queue.running)
        oldest.labels(queue.queue).set(queue.oldestReadySeconds)
      }
      for (const one of snapshot.executions) executions.labels(one.workflowType, one.status).set(one.count)
      pollers.set(snapshot.pollers.filter((one) => one.ageSeconds <= 30).length)
      snapshotAt.set(Date.now() / 1000)
    },
  }
}
