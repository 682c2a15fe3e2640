import { describe, expect, it } from 'vitest'
import { type PlainMemory, plainLines } from '../../src/cli/plain-progress.ts'
import { at, completed, EXECUTION_ID, running, START, statusOf, step } from './fixtures.ts'

/** Feeds statuses at seconds; gives the lines of each. */
function tell(...looks: [seconds: number, status: ReturnType<typeof statusOf>][]): (readonly string[])[] {
  let memory: PlainMemory | null = null
  return looks.map(([seconds, status]) => {
    const next = plainLines(memory, status, START + seconds * 1000)
    memory = next.memory
    return next.lines
  })
}

describe('the plain display', () => {
  it('writes one line per change of state and nothing in between', () => {
    const first = statusOf([running(1), step(2)])
    const second = statusOf([completed(1), running(2)])
    expect(tell([0, first], [0.5, first], [1, second], [1.5, second])).toEqual([
      [`Audit of atelier-velo.test: 2 steps, execution ${EXECUTION_ID}`, '  Editorial Analysis: running'],
      [],
      ['  Editorial Analysis: completed in 12 s', '  Competitor Search: running'],
      [],
    ])
  })

  it('writes a line of progress at most every five seconds', () => {
    const detail = { done: 3, total: 10, unit: 'pages', message: null }
    const status = statusOf([running(1, { progress_percentage: 30, progress_detail: detail })])
    const lines = tell([0, status], [4.9, status], [5, status], [9.9, status], [10, status]).slice(1)
    const line = '  43 % · Editorial Analysis 30 % (3 of 10 pages) · end not known yet'
    expect(lines).toEqual([[], [line], [], [line]])
  })

  it('tells each retry with its reason', () => {
    const waits = step(1, { attempt: 1, next_retry_at: at(4), error_message: 'no answer' })
    const lines = tell(
      [0, statusOf([waits])],
      [1, statusOf([waits])],
      [2, statusOf([running(1, { attempt: 2 })])],
    )
    expect(lines[0]?.[1]).toBe('  Editorial Analysis: try 2 of 3 in 4 s: no answer')
    expect(lines.slice(1)).toEqual([[], ['  Editorial Analysis: running (try 2 of 3)']])
  })

  it('ends with how the audit ended', () => {
    const steps = [completed(1), step(2, { status: 'skipped', skip_reason: 'no provider' })]
    const ended = statusOf(steps, { overall_status: 'partial', end_time: at(75) })
    expect(tell([75, ended])[0]?.slice(1)).toEqual([
      '  Editorial Analysis: completed in 12 s',
      '  Competitor Search: skipped: no provider',
      'Audit of atelier-velo.test: partial in 1 min 15 s',
    ])
  })
})
