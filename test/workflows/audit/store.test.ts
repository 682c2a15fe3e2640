import { describe, expect, it } from 'vitest'
import {
  readCompetitors,
  readScrapedBy,
  readUsableDomains,
  saveCompetitors,
  saveScrapeReport,
  saveVerdicts,
} from '../../../src/workflows/audit/store.ts'
import { useAuditDatabase } from './database.ts'
import { competitor } from './fixtures.ts'
import { report } from './stored.ts'

const database = useAuditDatabase()

describe('the tables of the audit', () => {
  it('carry a comment on every table and column', async () => {
    const { rows } = await database.pool.query(`
      select c.relname, a.attname
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'rowbeat'::regnamespace
        and c.relkind = 'r'
        and (col_description(c.oid, a.attnum) is null or obj_description(c.oid, 'pg_class') is null)`)
    expect(rows).toEqual([])
  })

  it('have an index for every foreign key, so that deleting a parent reads no whole table', async () => {
    const { rows } = await database.pool.query(`
      select f.conrelid::regclass::text as child, f.conname
      from pg_constraint f
      where f.contype = 'f'
        and f.connamespace = 'rowbeat'::regnamespace
        and not exists (
          select 1 from pg_index i
          where i.indrelid = f.conrelid
            and (i.indkey::smallint[])[0:cardinality(f.conkey) - 1] @> f.conkey)`)
    expect(rows).toEqual([])
  })
})

describe('competitors', () => {
  it('are those of the newest search; what it no longer finds is gone', async () => {
    await saveCompetitors(database.db, 'search.fr', [
      competitor('one.fr'),
      competitor('two.fr', { status: 'excluded' }),
    ])
    await saveCompetitors(database.db, 'search.fr', [
      competitor('three.fr'),
      competitor('one.fr', { relevance: 0.9 }),
    ])
    await saveCompetitors(database.db, 'search.fr', [
      competitor('three.fr'),
      competitor('one.fr', { relevance: 0.9 }),
    ])
    const stored = await readCompetitors(database.db, 'search.fr')
    expect(stored.map((one) => [one.domain, one.relevance])).toEqual([
      ['one.fr', 0.9],
      ['three.fr', 0.6],
    ])
    expect(stored[0]?.sources).toEqual([{ query: 'vélo cargo', engine: 'demo', rank: 1 }])
  })

  it('keep what a person decided through later searches', async () => {
    await saveCompetitors(database.db, 'person.fr', [competitor('one.fr'), competitor('two.fr')])
    await saveVerdicts(database.db, 'person.fr', [
      { domain: 'one.fr', status: 'excluded', reason: 'a partner' },
      { domain: 'hand.fr', status: 'validated', reason: null },
    ])
    await saveCompetitors(database.db, 'person.fr', [competitor('one.fr', { relevance: 0.1 })])
    const stored = await readCompetitors(database.db, 'person.fr')
    expect(stored.find((one) => one.domain === 'one.fr')).toMatchObject({
      status: 'excluded',
      reason: 'a partner',
      relevance: 0.1,
    })
    expect(stored.find((one) => one.domain === 'hand.fr')).toMatchObject({ status: 'manual', combined: 0.5 })
    expect(stored.some((one) => one.domain === 'two.fr')).toBe(false)
    expect(await readUsableDomains(database.db, 'person.fr', { byHand: false })).toEqual(['hand.fr'])
    expect(await readUsableDomains(database.db, 'person.fr', { byHand: true })).toEqual(['hand.fr'])
  })

  it('never hold the client itself, and tolerate a repeated domain', async () => {
    const found = [competitor('self.fr'), competitor('rival.fr', { title: 'first' }), competitor('rival.fr')]
    await saveCompetitors(database.db, 'self.fr', found)
    const stored = await readCompetitors(database.db, 'self.fr')
    expect(stored.map((one) => [one.domain, one.title])).toEqual([['rival.fr', 'first']])
  })

  it('may be none at all', async () => {
    await saveCompetitors(database.db, 'none.fr', [competitor('gone.fr')])
    await saveCompetitors(database.db, 'none.fr', [])
    expect(await readCompetitors(database.db, 'none.fr')).toEqual([])
  })
})

describe('scrape reports', () => {
  it('are one per job and site, with rejections counted by kind', async () => {
    await saveScrapeReport(database.db, report('rep.fr', 'a.fr'))
    await saveScrapeReport(database.db, report('rep.fr', 'a.fr', { stored: 9 }))
    await saveScrapeReport(
      database.db,
      report('rep.fr', 'b.fr', { problem: { code: 'DNS_FAILURE', message: 'no' } }),
    )
    const { rows } = await database.pool.query(
      "select domain, stored, rejected, reject_reasons from rowbeat.scrape_reports where client_domain = 'rep.fr' order by 1",
    )
    expect(rows[0]).toEqual({
      domain: 'a.fr',
      stored: 9,
      rejected: 2,
      reject_reasons: { 'not-an-article': 2 },
    })
    expect(await readScrapedBy(database.db, 'rep.fr', '7')).toEqual(new Set(['a.fr']))
    expect(await readScrapedBy(database.db, 'rep.fr', '8')).toEqual(new Set())
  })
})
