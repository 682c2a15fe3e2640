import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { addJob, useSql } from './staging.ts'

const sql = useSql()
const FILE = new URL('../../docs/psqlrc', import.meta.url)

/** What `\set name 'query'` gives names to, with psql's doubled quotes and its variable taken in. */
async function shortcuts(): Promise<Map<string, string>> {
  const lines = (await readFile(FILE, 'utf8')).split('\n')
  return new Map(
    lines.flatMap((line) => {
      const [, name, query] = /^\\set (\w+) '(select .*)'$/.exec(line) ?? []
      return name === undefined || query === undefined ? [] : [[name, query.replaceAll("''", "'")]]
    }),
  )
}

describe('docs/psqlrc', () => {
  it('names four questions, and each of them is one that an operator may ask', async () => {
    const found = await shortcuts()
    expect([...found.keys()]).toEqual(['doctor', 'lag', 'top', 'why'])
    const id = await addJob(sql.engine)
    await sql.hand('set role rowbeat_operator')
    try {
      for (const query of found.values()) {
        expect(await sql.hand(query.replace(":'what'", `'${id}'`))).toBeInstanceOf(Array)
      }
    } finally {
      await sql.hand('reset role')
    }
  })
})
