/** A running audit for an output that only grows: a file, a pipe, the log of a build. Pure. */
import type { AuditStatusResponse, WorkflowStepDetail } from '../workflows/audit/schema.ts'
import { clean, counted, formatSeconds } from './layout.ts'
import { countsOf, detailOf, endedText, formatPercent, remaining, retryText } from './progress-lines.ts'

/** What the plain display remembers between two statuses. */
export interface PlainMemory {
  /** State last told of each step. */
  readonly told: Readonly<Record<string, string>>
  /** When the last line of progress was written, ms since epoch. */
  readonly progressAt: number
}

/** Least milliseconds between two lines of progress. */
export const PROGRESS_EVERY_MS = 5_000

/** Lines for an output that only grows: one per change of state, and progress at most every five seconds. */
export function plainLines(
  memory: PlainMemory | null,
  status: AuditStatusResponse,
  now: number,
): { readonly lines: readonly string[]; readonly memory: PlainMemory } {
  const opening =
    memory === null
      ? [
          `Audit of ${clean(status.domain)}: ${counted(status.total_steps, 'step')}, execution ${status.execution_id}`,
        ]
      : []
  const before = memory ?? { told: {}, progressAt: now }
  const keyed = status.workflow_steps.map((step) => ({ step, key: `${step.status} ${step.attempt}` }))
  const changes = keyed
    .filter(({ step }) => step.status !== 'pending' || step.next_retry_at !== null)
    .filter(({ step, key }) => before.told[step.job_id] !== key)
    .map(({ step }) => changeLine(step, now))
  const isDue = status.end_time === null && now - before.progressAt >= PROGRESS_EVERY_MS
  return {
    lines: [
      ...opening,
      ...changes,
      ...(isDue ? [progressLine(status, now)] : []),
      ...(status.end_time === null ? [] : [`Audit of ${clean(status.domain)}: ${endedText(status)}`]),
    ],
    memory: {
      told: Object.fromEntries(keyed.map(({ step, key }) => [step.job_id, key])),
      progressAt: isDue ? now : before.progressAt,
    },
  }
}

function changeLine(step: WorkflowStepDetail, now: number): string {
  const name = `  ${clean(step.name)}: `
  switch (step.status) {
    case 'pending':
      return name + retryText(step, now)
    case 'completed': {
      const time = step.duration_seconds === null ? '' : ` in ${formatSeconds(step.duration_seconds)}`
      return `${name}completed${time}`
    }
    case 'running':
      return `${name}running${step.attempt > 1 ? ` (try ${step.attempt} of ${step.max_attempts})` : ''}`
    default: {
      const why = detailOf(step, now)
      return `${name}${step.status}${why === '' ? '' : `: ${why}`}`
    }
  }
}

function progressLine(status: AuditStatusResponse, now: number): string {
  const running = status.workflow_steps
    .filter((step) => step.status === 'running')
    .map((step) => {
      const counts = countsOf(step)
      const share = formatPercent(step.progress_percentage)
      return `${clean(step.name)} ${share}${counts === '' ? '' : ` (${counts})`}`
    })
  return `  ${[formatPercent(status.overall_progress), ...running, remaining(status, now)].join(' · ')}`
}
