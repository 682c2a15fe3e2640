import { describe, expect, it } from 'vitest'
import { createAdmitted, findLive } from '../../src/store/admissions.ts'
import { transaction } from '../../src/store/database.ts'
import { rowsOf, useStore, workflowOf } from './fixtures.ts'

const store = useStore()
const walk = workflowOf({ first: {} })
const two = (live: readonly string[]): void => {
  if (live.length >= 2) throw new Error('full')
}
const ask = (subject: string) =>
  transaction(store.pool, (client) => createAdmitted(client, { workflow: walk, input: { subject } }, two))

describe('admission', () => {
  it('of a crowd of subjects at once never lets in more than there is room for', async () => {
    const asked = await Promise.allSettled(Array.from({ length: 30 }, (_, at) => ask(`site-${at}.com`)))
    expect(asked.filter((one) => one.status === 'fulfilled')).toHaveLength(2)
    const reasons = asked.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
    expect(new Set(reasons)).toEqual(new Set(['Error: full']))
    expect(await rowsOf(store.pool, 'select 1 from rowbeat.scheduled_jobs')).toHaveLength(2)
  })

  it('joins what lives already, also when all places are taken', async () => {
    const first = await ask('one.com')
    await ask('two.com')
    await expect(ask('three.com')).rejects.toThrow('full')
    expect(await ask('one.com')).toEqual({ executionId: first.executionId, created: false })
    expect(await findLive(store.pool, walk.name, 'three.com')).toBeNull()
  })
})
