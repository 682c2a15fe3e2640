import { describe, expect, it } from 'vitest'
import {
  checkFinal,
  checkReadiness,
  compareAnswers,
  type Readiness,
  type StatusAnswer,
} from '../../scripts/chaos/checker-answers.ts'

const LOSS = { server: 's', fromMs: 10_000, toMs: 25_000 }
const answer = (askedMs: number, status: number | null): Readiness => ({
  server: 's',
  askedMs,
  answeredMs: askedMs + 100,
  status,
})
/** Ready, lost after two seconds, ready again after three, and asked long enough. */
const TRUE = [
  answer(9_000, 200),
  answer(11_000, 200),
  answer(12_000, 503),
  answer(22_000, 503),
  answer(28_000, 200),
  answer(60_000, 200),
]
const rows = (answers: readonly Readiness[], losses = [LOSS]): string[] =>
  checkReadiness(answers, losses).map((one) => one.row)

describe('the checker of readiness', () => {
  it('is content with a server that says it in time', () => {
    expect(rows(TRUE)).toEqual([])
  })

  it('finds a server that is ready for too long, or says nothing within ten seconds', () => {
    expect(rows([...TRUE, answer(20_500, 200)])).toEqual(['s was ready 10.6 s after its database was lost'])
    const late = TRUE.filter((one) => one.askedMs !== 12_000)
    expect(rows(late)).toEqual(['s did not say within 10 s that its database was lost'])
  })

  it('finds a server that gives no answer at all', () => {
    expect(rows([...TRUE, { ...answer(13_000, null), answeredMs: 23_000 }])).toEqual([
      's gave no answer within 10000 ms',
    ])
  })

  it('finds a server that is not ready again within thirty seconds', () => {
    const never = [...TRUE.filter((one) => one.askedMs < 25_000), answer(56_000, 200)]
    expect(rows(never)).toEqual(['s was not ready within 30 s after its database came back'])
  })

  it('expects nothing of what was too short, of others, or of what was asked no more', () => {
    expect(rows([answer(11_000, 200)], [{ ...LOSS, toMs: 13_000 }])).toEqual([])
    expect(rows([...TRUE, { ...answer(21_000, 200), server: 'other' }])).toEqual([])
    expect(rows(TRUE.filter((one) => one.askedMs < 25_000))).toEqual([])
  })
})

const STATUS: StatusAnswer = { executionId: 'e1', status: 'running', progress: 40, hasEnded: false }

describe('two answers about an audit', () => {
  const wrong = (before: Partial<StatusAnswer>, now: Partial<StatusAnswer>): string[] =>
    compareAnswers({ ...STATUS, ...before }, { ...STATUS, ...now }).map((one) => one.row)

  it('may go forward', () => {
    expect(wrong({}, { progress: 41 })).toEqual([])
    expect(wrong({}, { status: 'partial', progress: 100, hasEnded: true })).toEqual([])
  })

  it('must not go back', () => {
    expect(wrong({}, { progress: 39.9 })).toEqual(['audit e1: progress fell from 40 to 39.9'])
    expect(wrong({}, { status: 'pending' })).toEqual(['audit e1 was running and is pending again'])
    expect(wrong({ status: 'completed', hasEnded: true }, {})).toEqual([
      'audit e1 was completed and is running',
    ])
    expect(wrong({ status: 'completed', hasEnded: true }, { status: 'failed', hasEnded: true })).toHaveLength(
      1,
    )
  })
})

describe('the last answer about an audit', () => {
  const ended: StatusAnswer = { ...STATUS, status: 'completed', progress: 100, hasEnded: true }
  const stored = { id: 'e1', status: 'completed', steps: [{ status: 'completed', critical: false }] } as const
  const wrong = (given: StatusAnswer | null, rows: Parameters<typeof checkFinal>[1] = [stored]): string[] =>
    checkFinal(new Map([['e1', given]]), rows).map((one) => one.row)

  it('says what its rows say', () => {
    expect(wrong(ended)).toEqual([])
    expect(wrong({ ...ended, status: 'failed' })).toEqual([
      'audit e1 is completed, and the answer was failed',
    ])
    expect(wrong({ ...ended, progress: 99 })).toEqual(['audit e1 has ended, and the answer was 99 %'])
    expect(wrong(null)).toEqual(['audit e1 is completed, and no status was answered'])
  })

  it('is no comfort when the audit is gone, open, or is not what its steps say', () => {
    expect(wrong(ended, [])).toEqual(['audit e1 was acknowledged and is gone'])
    expect(wrong(ended, [{ ...stored, steps: [{ status: 'pending', critical: false }] }])).toEqual([
      'audit e1 has 1 open steps',
    ])
    expect(wrong(ended, [{ ...stored, steps: [{ status: 'failed', critical: true }] }])).toEqual([
      'audit e1 is completed and its steps say failed',
    ])
  })
})
