import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import {
  EXECUTION_MOVES,
  EXECUTION_STATUSES,
  isLive,
  isTerminal,
  JOB_MOVES,
  JOB_STATUSES,
} from '../../src/core/states.ts'

const sql = await readFile(new URL('../../migrations/0001_create_engine.sql', import.meta.url), 'utf8')

/** The quoted words of every `… in ('a', 'b')` after `marker`, as sets. */
function listsIn(text: string): string[][] {
  return [...text.matchAll(/in \(((?:'[a-z]+'(?:, )?)+)\)/g)].map((match) =>
    [...(match[1] ?? '').matchAll(/'([a-z]+)'/g)].map((word) => word[1] ?? '').sort(),
  )
}

describe('the table of states', () => {
  it('names the statuses that the database lets be stored', () => {
    const lists = listsIn(sql).map((list) => list.join())
    expect(lists).toContain([...JOB_STATUSES].sort().join())
    expect(lists).toContain([...EXECUTION_STATUSES].sort().join())
  })

  it('calls those statuses ended that the database demands an end time for', () => {
    const ended = listsIn(sql.slice(sql.indexOf('constraint scheduled_jobs_finished')))[0]
    expect(ended).toEqual(JOB_STATUSES.filter(isTerminal).sort())
    const closed = listsIn(sql.slice(sql.indexOf('constraint workflow_executions_end_time')))[0]
    expect(closed).toEqual(EXECUTION_STATUSES.filter((one) => !isLive(one)).sort())
  })

  it('calls those executions live that are unique per subject', () => {
    const live = listsIn(sql.slice(sql.indexOf('create unique index workflow_executions_live')))[0]
    expect(live).toEqual(EXECUTION_STATUSES.filter(isLive).sort())
  })

  it('has moves between its own statuses only, never to the same', () => {
    for (const [from, to] of Object.entries(JOB_MOVES)) {
      expect(JOB_STATUSES).toEqual(expect.arrayContaining([...to]))
      expect(to).not.toContain(from)
      expect(new Set(to).size).toBe(to.length)
    }
    for (const [from, to] of Object.entries(EXECUTION_MOVES)) {
      expect(EXECUTION_STATUSES).toEqual(expect.arrayContaining([...to]))
      expect(to).not.toContain(from)
    }
  })

  it('lets every job reach an end, and runs only what is pending', () => {
    for (const status of JOB_STATUSES) {
      const seen = new Set([status])
      for (const one of seen) for (const next of JOB_MOVES[one]) seen.add(next)
      expect([...seen].some(isTerminal)).toBe(true)
      if (JOB_MOVES[status].includes('running')) expect(status).toBe('pending')
    }
  })
})
