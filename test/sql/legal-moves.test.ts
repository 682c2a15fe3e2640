import { describe, expect, it } from 'vitest'
import { EXECUTION_MOVES, JOB_MOVES } from '../../src/core/states.ts'
import { type Row, useSql } from './staging.ts'

const sql = useSql()

function pairs(moves: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(moves)
    .flatMap(([from, targets]) => targets.map((to) => `${from} → ${to}`))
    .sort()
}

async function stored(entity: string, condition: string): Promise<string[]> {
  const rows = await sql.hand(
    `select from_status, to_status from rowbeat.legal_moves where entity = $1 and ${condition}`,
    [entity],
  )
  return rows.map((row: Row) => `${row.from_status} → ${row.to_status}`).sort()
}

describe('the legal moves in the database', () => {
  it('are those of the code, for jobs and executions', async () => {
    expect(await stored('job', "made_by <> 'operator'")).toEqual(pairs(JOB_MOVES))
    expect(await stored('execution', "made_by <> 'operator'")).toEqual(pairs(EXECUTION_MOVES))
  })

  it('add for operators the retry of jobs that did not complete, and nothing else', async () => {
    const retries = ['cancelled → pending', 'failed → pending', 'skipped → pending']
    expect(await stored('job', "made_by = 'operator'")).toEqual(retries)
    expect(await stored('execution', "made_by = 'operator'")).toEqual([])
  })

  it('leave the start of work to pollers', async () => {
    expect(await stored('job', "made_by = 'poller'")).toEqual(['pending → running'])
    expect(await stored('execution', "made_by = 'poller'")).toEqual(['pending → running'])
  })
})
