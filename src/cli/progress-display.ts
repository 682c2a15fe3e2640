/**
 * Shows a running audit. On a terminal the lines are redrawn in place, and the cursor comes back however the process
 * ends; elsewhere lines are added as things happen.
 */
import { stripVTControlCharacters } from 'node:util'
import type { AuditStatusResponse } from '../workflows/audit/schema.ts'
import { displayWidth } from './layout.ts'
import { type PlainMemory, plainLines } from './plain-progress.ts'
import { renderProgress } from './progress-lines.ts'
import { type Screen, writeLines } from './terminal.ts'

export interface ProgressDisplay {
  /** Takes a newer status. */
  show(status: AuditStatusResponse): void
  /** Leaves the last lines standing and gives the cursor back; may be called twice. */
  close(): void
}

const REDRAW_MS = 120
const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
const CLEAR_LINE = '\u001b[2K'
const CLEAR_BELOW = '\u001b[0J'

/** The display that fits the screen. */
export function openProgressDisplay(screen: Screen): ProgressDisplay {
  return screen.live ? liveDisplay(screen) : plainDisplay(screen)
}

function plainDisplay(screen: Screen): ProgressDisplay {
  let memory: PlainMemory | null = null
  return {
    show: (status) => {
      const next = plainLines(memory, status, Date.now())
      memory = next.memory
      writeLines(screen, next.lines)
    },
    close: () => undefined,
  }
}

function liveDisplay(screen: Screen): ProgressDisplay {
  let last: { readonly status: AuditStatusResponse; readonly readAt: number } | null = null
  let drawn: readonly string[] = []
  let frame = 0
  let timer: NodeJS.Timeout | null = null
  const restore = (): void => screen.write(SHOW_CURSOR)
  const draw = (): void => {
    if (last === null) return
    const sinceMs = performance.now() - last.readAt
    const view = { status: last.status, now: Date.now(), sinceMs, frame }
    const lines = renderProgress(view, {
      width: Math.min(screen.width, screen.columns - 1),
      color: screen.color,
    })
    screen.write(redraw(drawn, lines, screen.columns))
    drawn = lines
    frame += 1
  }
  return {
    show: (status) => {
      if (timer === null) {
        screen.write(HIDE_CURSOR)
        process.once('exit', restore)
        timer = setInterval(draw, REDRAW_MS)
      }
      last = { status, readAt: performance.now() }
      draw()
    },
    close: () => {
      if (timer === null) return
      clearInterval(timer)
      timer = null
      last = null
      process.removeListener('exit', restore)
      restore()
    },
  }
}

/** The characters that replace the lines drawn before by new ones, on a terminal of `columns` cells. */
export function redraw(before: readonly string[], lines: readonly string[], columns: number): string {
  // A window made narrower has broken the old lines: they take more rows than there are lines.
  const rows = before.reduce(
    (sum, line) => sum + Math.max(1, Math.ceil(displayWidth(stripVTControlCharacters(line)) / columns)),
    0,
  )
  const up = rows === 0 ? '' : `\u001b[${rows}A\r`
  return `${up}${lines.map((line) => `${CLEAR_LINE}${line}\n`).join('')}${CLEAR_BELOW}`
}
