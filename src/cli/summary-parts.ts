/** What the sections of the summary are made of. Pure. */
import { clean, counted, type Look, paint, wrap } from './layout.ts'

export const INDENT = '  '
export const BAR_WIDTH = 20

/** An empty line, then the title of a section with what its figures mean. */
export function heading(title: string, look: Look, note = ''): string[] {
  const shown =
    note === '' || title.length + note.length + 3 > look.width ? '' : paint(` · ${note}`, look, 'dim')
  return ['', paint(title, look, 'bold') + shown]
}

/** A line for what was left out; none when nothing was. */
export function more(count: number, what: string, look: Look): string[] {
  return count > 0 ? [paint(`${INDENT}… and ${counted(count, `more ${what}`)}`, look, 'dim')] : []
}

/** Cells for a name before figures. */
export function nameWidth(look: Look): number {
  return Math.max(12, Math.min(34, look.width - 51))
}

/** Lines of a paragraph below an entry. */
export function paragraph(text: string, look: Look, linesMax: number): string[] {
  return wrap(clean(text), look.width - 4, linesMax).map((line) => paint(`    ${line}`, look, 'dim'))
}
