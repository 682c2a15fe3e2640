import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { displayWidth, formatClock } from '../../src/cli/layout.ts'
import { remaining, renderProgress } from '../../src/cli/progress-lines.ts'
import { at, completed, plain, running, START, statusOf, step } from './fixtures.ts'

const detail = { done: 12, total: 30, unit: 'pages', message: 'reading /blog/' }
const status = statusOf([
  completed(1),
  running(2, { progress_percentage: 40, progress_detail: detail }),
  step(3, {
    attempt: 1,
    next_retry_at: at(24),
    error_message: 'no answer',
    status: 'pending',
  }),
  step(4, { status: 'skipped', skip_reason: 'nothing to scrape', progress_percentage: 100 }),
  step(5),
])
const view = { status, now: START + 20_000, sinceMs: 500, frame: 0 }

describe('the live lines', () => {
  it('tell each step with mark, bar, percentage, time, state and what it does', () => {
    const [header, first, second, third, fourth, fifth] = renderProgress(view, plain(110))
    expect(header).toMatch(/^Audit of atelier-velo\.test .* 43 % {2}end not known yet$/)
    expect(first).toMatch(/^✔ Editorial Analysis +█{20} 100 % +12 s completed$/)
    expect(second).toMatch(
      /^⠋ Competitor Search +█{8}░{12} +40 % +3\.7 s running +12 of 30 pages · reading \/blog\/$/,
    )
    expect(third).toMatch(/^○ Client Site Scraping .* pending +try 2 of 3 in 4 s: no answer$/)
    expect(fourth).toMatch(/^– Competitor Scraping .* skipped +nothing to scrape$/)
    expect(fifth).toMatch(/^○ Trend Pipeline +░{20} +pending$/)
  })

  it.each([20, 40, 58, 72, 80, 96, 110])('are never wider than %d cells, in colour neither', (width) => {
    for (const color of [false, true]) {
      for (const line of renderProgress(view, { width, color })) {
        expect(displayWidth(stripVTControlCharacters(line))).toBeLessThanOrEqual(width)
      }
    }
  })

  it('hold no escape sequence without colour, whatever a site sends', () => {
    const evil = { ...detail, message: '\u001b[2Jgone', unit: 'pa\nges' }
    const lines = renderProgress(
      { ...view, status: statusOf([running(1, { progress_detail: evil })]) },
      plain(110),
    )
    expect(lines).toHaveLength(2)
    expect(lines.join('')).not.toContain('\u001b')
    expect(lines.join('')).not.toContain('\n')
    expect(lines[1]).toContain('12 of 30 pa ges · gone')
  })

  it('say why a step failed, and how an ended audit ended', () => {
    const ended = statusOf(
      [step(1, { status: 'failed', error_message: 'a.test is gone', error_code: 'DNS_FAILURE' })],
      { overall_status: 'failed', overall_progress: 100, end_time: at(21) },
    )
    const [header, line] = renderProgress({ ...view, status: ended }, plain(100))
    expect(header).toContain('100 %  failed in 21 s')
    expect(line).toMatch(/^✖ .*failed +a\.test is gone$/)
  })

  it('do not say 100 % while something still runs', () => {
    const nearly = statusOf([running(1, { progress_percentage: 99 })], { overall_progress: 99.99 })
    expect(renderProgress({ ...view, status: nearly }, plain(80)).join('')).not.toContain('100 %')
  })
})

describe('the time that remains', () => {
  const eta = (early: number, late: number, basis = 'history n=8') =>
    statusOf([running(1)], { eta: { p50_at: at(early), p90_at: at(late), basis } })

  it('is told in seconds when it is short', () => {
    expect(remaining(eta(2, 9), START)).toBe('a few seconds left')
    expect(remaining(eta(18, 40), START)).toBe('about 20 s left')
    expect(remaining(eta(-30, -20), START)).toBe('a few seconds left')
  })

  it('is told as clock times when it is long, and not at all without history', () => {
    const [from, to] = [formatClock(START + 600_000), formatClock(START + 1_200_000)]
    expect(remaining(eta(600, 1200), START)).toBe(`ends ${from}–${to}`)
    expect(remaining(eta(600, 610), START)).toBe(`ends about ${from}`)
    expect(remaining({ ...eta(600, 1200), estimate_basis: 'default' }, START)).toBe('end not known yet')
  })
})
