import { describe, expect, it } from 'vitest'
import {
  bar,
  clean,
  column,
  displayWidth,
  formatSeconds,
  hang,
  paint,
  truncate,
  wrap,
} from '../../src/cli/layout.ts'

describe('text from outside', () => {
  it('cannot move the cursor, colour the screen or hide itself', () => {
    expect(clean('a\u001b[2J\u001b[31mb\u001b]0;title\u0007c')).toBe('abc')
    expect(clean('one\r\ntwo\tthree\u0000')).toBe('one two three')
    expect(clean('safe\u202egnp.exe')).toBe('safegnp.exe')
  })

  it('keeps accents and other scripts', () => {
    expect(clean('  Vélo – 自転車  ')).toBe('Vélo – 自転車')
  })
})

describe('widths', () => {
  it('count cells, two for wide characters and none for combining marks', () => {
    expect(displayWidth('velo')).toBe(4)
    expect(displayWidth('ve\u0301lo')).toBe(4)
    expect(displayWidth('自転車')).toBe(6)
    expect(displayWidth('🚲')).toBe(2)
  })

  it('are kept by cutting and filling', () => {
    expect(truncate('自転車の店', 6)).toBe('自転…')
    expect(truncate('short', 6)).toBe('short')
    expect(truncate('text', 0)).toBe('')
    expect(column('ab', 4)).toBe('ab  ')
    expect(column('ab', 4, 'right')).toBe('  ab')
    expect(displayWidth(column('a very long title', 7))).toBe(7)
  })
})

describe('wrapping', () => {
  it('breaks at spaces and cuts words that are longer than a line', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three'])
    expect(wrap('incomprehensibilities', 8)).toEqual(['incompr…'])
    expect(wrap('', 10)).toEqual([])
  })

  it('ends the last line that is allowed with an ellipsis', () => {
    expect(wrap('one two three four', 7, 2)).toEqual(['one two', 'three…'])
  })

  it('hangs later lines below the end of the lead, colours not counted', () => {
    const lead = paint('- ', { color: true }, 'red')
    expect(hang(lead, 'one two three four', 12)).toEqual([`${lead}one two`, '  three four'])
  })
})

describe('a bar', () => {
  it('is full only at 100 %, and survives figures out of range', () => {
    expect(bar(99.9, 10).full).toHaveLength(9)
    expect(bar(100, 10)).toEqual({ full: '██████████', rest: '' })
    expect(bar(-5, 4)).toEqual({ full: '', rest: '░░░░' })
    expect(bar(500, 4)).toEqual({ full: '████', rest: '' })
  })
})

it.each([
  [0.04, '0.0 s'],
  [9.94, '9.9 s'],
  [9.96, '10 s'],
  [59.7, '1 min 00 s'],
  [125, '2 min 05 s'],
  [3_720, '1 h 02 min'],
  [-1, '0.0 s'],
])('%d seconds read as %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text)
})

it('colours are left out where there are none', () => {
  expect(paint('x', { color: false }, 'red')).toBe('x')
  expect(paint('x', { color: true }, 'red')).toBe('\u001b[31mx\u001b[39m')
})
