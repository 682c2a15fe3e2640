import { describe, expect, it } from 'vitest'
import {
  listProfiles,
  readDocumentSources,
  readLatestProfile,
  saveProfile,
} from '../../../../src/workflows/audit/store.ts'
import { useAuditDatabase } from '../database.ts'
import { page, profile } from '../fixtures.ts'
import { countRows, profileRun } from '../stored.ts'

const database = useAuditDatabase()

describe('profiles', () => {
  it('come back as they were stored, the newest first, with the history kept', async () => {
    await saveProfile(database.db, profileRun('history.fr', '1'), profile({ tone: 'old' }), [page()])
    await saveProfile(database.db, profileRun('history.fr', '2'), profile({ tone: 'new' }), [page()])
    const latest = await readLatestProfile(database.db, 'history.fr')
    expect(latest).toMatchObject({
      ...profile({ tone: 'new' }),
      domain: 'history.fr',
      durationSeconds: 12.345,
    })
    expect(latest?.analyzedAt).toMatch(/^\d{4}-.*Z$/)
    const history = await listProfiles(database.db, { domain: 'history.fr', limit: 10 })
    expect(history.map((one) => one.tone)).toEqual(['new', 'old'])
  })

  it('are written again, not added, when the same job runs twice', async () => {
    await saveProfile(database.db, profileRun('twice.fr', '1'), profile(), [page(), page()])
    const id = await saveProfile(database.db, profileRun('twice.fr', '1'), profile({ tone: 'second' }), [
      page(),
    ])
    expect(await countRows(database.pool, 'site_profiles', "domain = 'twice.fr'")).toBe(1)
    expect(await countRows(database.pool, 'site_pages', `profile_id = ${id}`)).toBe(1)
    expect((await readLatestProfile(database.db, 'twice.fr'))?.tone).toBe('second')
  })

  it('are listed once per site, page after page, without repeats', async () => {
    const seen: string[] = []
    let after: { analyzedAt: string; profileId: string } | undefined
    for (let turn = 0; turn < 20; turn++) {
      const [one] = await listProfiles(database.db, { limit: 1, ...(after === undefined ? {} : { after }) })
      if (one === undefined) break
      seen.push(one.domain)
      after = { analyzedAt: one.analyzedAt, profileId: one.profileId }
    }
    expect(seen.filter((domain) => domain === 'history.fr' || domain === 'twice.fr').sort()).toEqual([
      'history.fr',
      'twice.fr',
    ])
  })

  it('store what a hostile page holds: NUL, half surrogates, endless titles, a failed page', async () => {
    const content = page().content
    if (content === null) throw new Error('the fixture has content')
    const nasty = page({
      content: { ...content, title: `a\u0000b\ud800${'x'.repeat(5000)}`, author: '\udc00' },
    })
    const failed = page({
      content: null,
      status: 0,
      problem: { code: 'DNS_FAILURE', message: 'no such\u0000host' },
    })
    const id = await saveProfile(database.db, profileRun('nasty.fr', '1'), profile({ tone: 'a\u0000b' }), [
      nasty,
      failed,
    ])
    const { rows } = await database.pool.query(
      'select title, problem_code, problem_message from rowbeat.site_pages where profile_id = $1 order by position',
      [id],
    )
    expect(rows[0].title).toHaveLength(500)
    expect(rows[0].title.startsWith('ab\ufffdx')).toBe(true)
    expect(rows[1]).toEqual({ title: null, problem_code: 'DNS_FAILURE', problem_message: 'no suchhost' })
  })

  it('are null for a domain that was never analysed', async () => {
    expect(await readLatestProfile(database.db, 'never.fr')).toBeNull()
    expect(await readDocumentSources(database.db, 'never.fr')).toBeNull()
  })
})
