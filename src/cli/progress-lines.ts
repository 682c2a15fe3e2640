/** A running audit as lines of text. Pure: the status, the clock and the width are handed in. */
import type { AuditStatusResponse, WorkflowStepDetail } from '../workflows/audit/schema.ts'
import {
  clean,
  column,
  displayWidth,
  formatClock,
  formatSeconds,
  type Look,
  type Paint,
  paint,
  paintedBar,
  truncate,
} from './layout.ts'

/** What is known, and when. */
export interface ProgressView {
  readonly status: AuditStatusResponse
  /** Now, ms since epoch. */
  readonly now: number
  /** Milliseconds since the status was read: clocks of running steps go on between two answers. */
  readonly sinceMs: number
  /** Counts redraws; turns the marks of running steps. */
  readonly frame: number
}

type StepStatus = WorkflowStepDetail['status']

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const MARKS: Readonly<Record<StepStatus, readonly [mark: string, color: Paint]>> = {
  pending: ['○', 'dim'],
  running: ['●', 'cyan'],
  completed: ['✔', 'green'],
  failed: ['✖', 'red'],
  skipped: ['–', 'yellow'],
  cancelled: ['⊘', 'yellow'],
}
const TITLE_WIDTH = 20
const STATE_WIDTH = 9
const ELAPSED_WIDTH = 12
/** From this width on there is room for bars; below it the numbers stay. */
const BAR_FROM_WIDTH = 72
const WIDE_FROM_WIDTH = 96
/** Below it there is room for a mark, a title and a percentage only. */
const COLUMNS_FROM_WIDTH = 58

/** The header and one line per step, none wider than the look. */
export function renderProgress(view: ProgressView, look: Look): string[] {
  return [header(view, look), ...view.status.workflow_steps.map((step) => stepLine(step, view, look))]
}

function header({ status, now }: ProgressView, look: Look): string {
  const right = status.end_time === null ? remaining(status, now) : endedText(status)
  const progress = `${formatPercent(status.overall_progress)}  ${right}`
  const room = look.width - displayWidth(progress) - 2
  if (room < 12) return truncate(progress, look.width)
  const title = column(`Audit of ${clean(status.domain)}`, room)
  return `${paint(title, look, 'bold')}  ${paint(progress, look, 'cyan')}`
}

function stepLine(step: WorkflowStepDetail, view: ProgressView, look: Look): string {
  const [mark, color] = MARKS[step.status]
  const shown = step.status === 'running' ? (SPINNER[view.frame % SPINNER.length] ?? mark) : mark
  const percent = column(step.status === 'pending' ? '' : formatPercent(step.progress_percentage), 5, 'right')
  const title = column(clean(step.name), Math.min(TITLE_WIDTH, Math.max(4, look.width - 8)))
  const cells = [
    `${paint(shown, look, color)} ${step.status === 'pending' ? paint(title, look, 'dim') : title}`,
  ]
  let used = 2 + displayWidth(title)
  const add = (text: string, width: number, ...styles: Paint[]): void => {
    cells.push(paint(text, look, ...styles))
    used += width + 1
  }
  if (look.width >= BAR_FROM_WIDTH) {
    const width = look.width >= WIDE_FROM_WIDTH ? 20 : 10
    cells.push(paintedBar(step.progress_percentage, width, look, color))
    used += width + 1
  }
  add(percent, 5)
  if (look.width >= COLUMNS_FROM_WIDTH) {
    add(column(elapsed(step, view.sinceMs), ELAPSED_WIDTH, 'right'), ELAPSED_WIDTH, 'dim')
    add(column(step.status, STATE_WIDTH), STATE_WIDTH, color)
  }
  const room = look.width - used - 1
  const detail = room < 8 ? '' : truncate(detailOf(step, view.now), room)
  return (detail === '' ? cells : [...cells, paint(detail, look, 'dim')]).join(' ').trimEnd()
}

function elapsed(step: WorkflowStepDetail, sinceMs: number): string {
  if (step.duration_seconds === null) return ''
  const more = step.status === 'running' ? Math.max(0, sinceMs) / 1000 : 0
  return formatSeconds(step.duration_seconds + more)
}

/** What a step does, or why it does not. */
export function detailOf(step: WorkflowStepDetail, now: number): string {
  if (step.status === 'skipped') return clean(step.skip_reason ?? '')
  if (step.status === 'failed') return clean(step.error_message ?? step.error_code ?? '')
  if (step.status === 'pending' && step.next_retry_at !== null) return retryText(step, now)
  // Progress is written at most once a second: the last report of a finished step may lag behind its end.
  if (step.status !== 'running') return ''
  const counts = countsOf(step)
  const message = clean(step.progress_detail?.message ?? '')
  return [counts, message].filter((part) => part !== '').join(' · ')
}

/** When a step is tried again, and why. */
export function retryText(step: WorkflowStepDetail, now: number): string {
  const wait = Math.max(0, Date.parse(step.next_retry_at ?? '') - now) / 1000
  const next = `try ${step.attempt + 1} of ${step.max_attempts} in ${Math.ceil(wait)} s`
  return step.error_message === null ? next : `${next}: ${clean(step.error_message)}`
}

/** `12 of 30 pages`, or nothing. */
export function countsOf(step: WorkflowStepDetail): string {
  const detail = step.progress_detail
  if (detail === null || detail.total <= 0) return ''
  return `${Math.round(detail.done)} of ${Math.round(detail.total)} ${clean(detail.unit)}`
}

/** When it will be over, as sure as that is known. */
export function remaining(status: AuditStatusResponse, now: number): string {
  // A guess without history is off by minutes or hours: no clock time is made of it.
  if (status.eta === null || status.estimate_basis !== 'history') return 'end not known yet'
  const [early, late] = [Date.parse(status.eta.p50_at), Date.parse(status.eta.p90_at)]
  const seconds = (early - now) / 1000
  if (seconds < 5) return 'a few seconds left'
  if (seconds < 90) return `about ${Math.ceil(seconds / 5) * 5} s left`
  const [from, to] = [formatClock(early), formatClock(late)]
  return from === to ? `ends about ${from}` : `ends ${from}–${to}`
}

/** How an ended audit ended, and in what time. */
export function endedText(status: AuditStatusResponse): string {
  const seconds = secondsOf(status)
  return seconds === null ? status.overall_status : `${status.overall_status} in ${formatSeconds(seconds)}`
}

function secondsOf({ start_time, end_time }: AuditStatusResponse): number | null {
  if (start_time === null || end_time === null) return null
  return (Date.parse(end_time) - Date.parse(start_time)) / 1000
}

/** Rounded down: 100 % is said only when everything has ended. */
export function formatPercent(percent: number): string {
  return `${Math.floor(percent)} %`
}
