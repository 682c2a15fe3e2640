import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { addJob, useSql } from './staging.ts'

const sql = useSql()
const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const BLOCKS = [...README.matchAll(/^```sql\n(.*?)^```/gms)].map((match) => match[1] ?? '')

describe('the SQL of the README', () => {
  it('is there', () => {
    expect(BLOCKS.length).toBeGreaterThanOrEqual(3)
  })

  it.each(BLOCKS)('runs as it stands: %s', async (block) => {
    const id = await addJob(sql.engine)
    for (const statement of block.replaceAll('4711', id).split(/;\n/)) {
      if (statement.trim() !== '') await sql.hand(statement)
    }
    const broken = await sql.hand('select * from rowbeat.assert_invariants()')
    expect(broken).toEqual([])
  })
})
