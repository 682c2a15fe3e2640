/** Where a command writes. */
import type { TerminalTraits } from '../config.ts'
import type { Look } from './layout.ts'

export interface Screen extends Look {
  /** True when lines can be drawn over: a terminal that moves its cursor. */
  readonly live: boolean
  /** True when a person watches. */
  readonly isTerminal: boolean
  /** Cells per line of the terminal as it is now; lines that are drawn over must not be wider. */
  readonly columns: number
  write(text: string): void
}

/** The two outputs of a command: its result, and all that is said on the way. */
export interface Output {
  readonly out: Screen
  readonly err: Screen
}

/** What is used of a stream, so that a test can stand in for it. */
export interface Stream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const COLUMNS_DEFAULT = 80
/** Longer lines are hard to read. */
const WIDTH_MAX = 110

/** The screen of a stream; its width follows the window. */
export function openScreen(stream: Stream, traits: TerminalTraits): Screen {
  const isTerminal = stream.isTTY === true
  const columnsNow = (): number =>
    stream.columns !== undefined && stream.columns > 0 ? stream.columns : COLUMNS_DEFAULT
  return {
    isTerminal,
    live: isTerminal && !traits.dumb,
    color: isTerminal && traits.color,
    get columns() {
      return columnsNow()
    },
    get width() {
      return Math.min(WIDTH_MAX, columnsNow())
    },
    write: (text) => {
      stream.write(text)
    },
  }
}

/** Says something right after an interrupt, below the `^C` that the terminal has put on the line. */
export function writeAfterInterrupt(screen: Screen, lines: readonly string[]): void {
  writeLines(screen, screen.isTerminal ? ['', ...lines] : lines)
}

/** Writes lines, each with its end. */
export function writeLines(screen: Screen, lines: readonly string[]): void {
  if (lines.length > 0) screen.write(`${lines.join('\n')}\n`)
}

/** The least level that is logged by default beside a display: a line of log would tear a live one apart. */
export function quietLevel(screen: Pick<Screen, 'live'>): 'warn' | 'error' {
  return screen.live ? 'error' : 'warn'
}
