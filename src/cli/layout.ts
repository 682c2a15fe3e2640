/** Text in columns for a terminal. Widths count cells, not characters; text from outside is cleaned first. */
import { stripVTControlCharacters, styleText } from 'node:util'

/** How a text is to look. */
export interface Look {
  /** Cells per line. */
  readonly width: number
  readonly color: boolean
}

export type Paint = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Longest text that is looked at; nothing longer fits a screen. */
const TEXT_MAX = 4000
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/
/** Graphemes that take two cells: East Asian wide and full-width forms (UAX #11), and emoji. */
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}])/u
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/**
 * One line without control sequences, invisible or direction-changing characters. Titles and messages come from
 * other people's sites: without this, one of them could move the cursor or rewrite the screen.
 */
export function clean(text: string): string {
  return stripVTControlCharacters(text.slice(0, TEXT_MAX))
    .replace(/\p{Cf}/gu, '')
    .replace(/[\p{Cc}\p{Co}\p{Cs}\s]+/gu, ' ')
    .trim()
}

/** Cells that a text without control characters takes. */
export function displayWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1
  return width
}

/** Cuts a text to `width` cells; a cut one ends in an ellipsis. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  if (width < 1) return ''
  let kept = ''
  let used = 0
  for (const { segment } of graphemes.segment(text)) {
    used += WIDE.test(segment) ? 2 : 1
    if (used > width - 1) break
    kept += segment
  }
  return `${kept.trimEnd()}…`
}

/** Cuts or fills a text to exactly `width` cells. */
export function column(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = truncate(text, width)
  const gap = ' '.repeat(Math.max(0, width - displayWidth(cut)))
  return align === 'left' ? cut + gap : gap + cut
}

/** Breaks a text at spaces into at most `linesMax` lines of `width` cells; what does not fit ends in an ellipsis. */
export function wrap(text: string, width: number, linesMax = 20): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').filter((part) => part !== '')) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > width) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
    if (lines.length > linesMax) break
  }
  if (line !== '') lines.push(line)
  const kept = lines.slice(0, linesMax)
  const last = kept.at(-1)
  if (lines.length > linesMax && last !== undefined) kept[kept.length - 1] = `${truncate(last, width - 1)}…`
  return kept.map((one) => truncate(one, width))
}

/** {@link wrap} with a first line that starts with `lead` and others that start below its end. */
export function hang(lead: string, text: string, width: number, linesMax = 20): string[] {
  const indent = displayWidth(stripVTControlCharacters(lead))
  const lines = wrap(text, Math.max(10, width - indent), linesMax)
  return lines.map((line, at) => (at === 0 ? lead : ' '.repeat(indent)) + line)
}

/** A bar of `width` cells for a percentage 0..100; full only at 100. */
export function bar(percent: number, width: number): { readonly full: string; readonly rest: string } {
  const share = Math.min(100, Math.max(0, percent)) / 100
  const cells = Math.floor(share * width)
  return { full: '█'.repeat(cells), rest: '░'.repeat(width - cells) }
}

/** A painted {@link bar}. */
export function paintedBar(percent: number, width: number, look: Look, color: Paint): string {
  const { full, rest } = bar(percent, width)
  return paint(full, look, color) + paint(rest, look, 'dim')
}

/** Colours a text when the look has colours. */
export function paint(text: string, look: Pick<Look, 'color'>, ...styles: Paint[]): string {
  return look.color && text !== '' ? styleText(styles, text, { validateStream: false }) : text
}

/** `1 page`, `2 pages`: for words whose plural takes an s. */
export function counted(count: number, one: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : `${one}s`}`
}

/** `0.4 s`, `42 s`, `2 min 05 s`, `1 h 02 min`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, seconds)
  if (whole < 9.95) return `${whole.toFixed(1)} s`
  const rounded = Math.round(whole)
  if (rounded < 60) return `${rounded} s`
  if (rounded < 3600) return `${Math.floor(rounded / 60)} min ${two(rounded % 60)} s`
  const minutes = Math.round(rounded / 60)
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`
}

/** `14:05` on the clock of this machine. */
export function formatClock(at: number): string {
  const date = new Date(at)
  return `${two(date.getHours())}:${two(date.getMinutes())}`
}

function two(n: number): string {
  return String(n).padStart(2, '0')
}
