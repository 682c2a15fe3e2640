import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { useLogins } from './advice.ts'
import { addJob, useSql } from './staging.ts'

const sql = useSql()
const logins = useLogins(sql)

/** Documents with SQL whose names need no incident; those of the runbook are in runbook.test.ts. */
const DOCUMENTS = [
  'README.md',
  'ARCHITECTURE.md',
  'docs/pooler.md',
  'docs/errors.md',
  'docs/chaos.md',
  'docs/bars.md',
]
const BLOCKS = DOCUMENTS.flatMap((name) => {
  const text = readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
  return [...text.matchAll(/^```sql\n(.*?)^```/gms)].map((match) => ({ name, block: match[1] ?? '' }))
})

describe('the SQL of the README and of the documents', () => {
  it('is there', () => {
    expect(BLOCKS.filter(({ name }) => name === 'README.md').length).toBeGreaterThanOrEqual(3)
  })

  // Whoever adds jobs is a producer, whoever looks and mends is an operator: neither may touch a table.
  it.each(BLOCKS)('runs as it stands, as the role it is meant for: $name $block', async ({ block }) => {
    const id = await addJob(sql.engine)
    for (const statement of block.replaceAll('4711', id).split(/;\n/)) {
      const isInsert = /^(--.*\n)*insert /.test(statement)
      if (statement.trim() !== '') await logins.as(isInsert ? 'producer' : 'operator', statement)
    }
    const broken = await sql.hand('select * from rowbeat.assert_invariants()')
    expect(broken).toEqual([])
  })
})
