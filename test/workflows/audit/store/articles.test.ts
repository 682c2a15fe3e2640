import { describe, expect, it } from 'vitest'
import {
  linkArticles,
  markNearDuplicates,
  readKnownArticles,
  readTrendArticles,
  saveArticle,
  saveCompetitors,
} from '../../../../src/workflows/audit/store.ts'
import { useAuditDatabase } from '../database.ts'
import { article, competitor, NOW } from '../fixtures.ts'
import { articleIds, countRows } from '../stored.ts'

const database = useAuditDatabase()

describe('articles', () => {
  it('are one row per address and change only when their content does', async () => {
    const first = article('once.fr', 1)
    await saveArticle(database.db, 'once.fr', 'client', first)
    const read = async () =>
      (await database.pool.query("select * from rowbeat.articles where domain = 'once.fr'")).rows
    const [before] = await read()
    await saveArticle(database.db, 'once.fr', 'client', first)
    const again = await read()
    expect(again).toHaveLength(1)
    expect(again[0]).toEqual(before)
    await saveArticle(database.db, 'once.fr', 'client', { ...first, text: 'autre texte' })
    const [changed] = await read()
    expect(changed.text).toBe('autre texte')
    expect(changed.updated_at.getTime()).toBeGreaterThan(before.updated_at.getTime())
    expect(await countRows(database.pool, 'article_links', "client_domain = 'once.fr'")).toBe(1)
  })

  it('are shared by two clients of the same competitor', async () => {
    await saveArticle(database.db, 'client-a.fr', 'competitor', article('shared.fr', 1))
    await linkArticles(database.db, 'client-b.fr', 'shared.fr', 'competitor')
    await linkArticles(database.db, 'client-b.fr', 'shared.fr', 'competitor')
    const { rows } = await database.pool.query(
      "select client_domain, role from rowbeat.article_links where domain = 'shared.fr' order by 1",
    )
    expect(rows).toEqual([
      { client_domain: 'client-a.fr', role: 'competitor' },
      { client_domain: 'client-b.fr', role: 'competitor' },
    ])
    expect(await articleIds(database.pool, 'shared.fr')).toHaveLength(1)
  })

  it('remember what conditional requests need', async () => {
    await saveArticle(database.db, 'known.fr', 'client', article('known.fr', 3))
    const known = await readKnownArticles(database.db, 'known.fr')
    expect(known.get(article('known.fr', 3).urlHash)).toEqual({
      etag: '"3"',
      lastModified: null,
      simhash: '0000000000000003',
    })
  })

  it('survive hostile text', async () => {
    await saveArticle(
      database.db,
      'hostile.fr',
      'client',
      article('hostile.fr', 1, {
        title: `\u0000${'t'.repeat(900)}`,
        text: 'a\u0000\ud800b',
        keywords: ['x\u0000', "l'é"],
      }),
    )
    const { rows } = await database.pool.query(
      "select title, text, keywords from rowbeat.articles where domain = 'hostile.fr'",
    )
    expect(rows).toEqual([{ title: 't'.repeat(500), text: 'a\ufffdb', keywords: ['x', "l'é"] }])
  })

  it('go into a trend run by role, window and competitor, without near duplicates', async () => {
    const client = 'trend-in.fr'
    await saveCompetitors(database.db, client, [
      competitor('rival-in.fr'),
      competitor('out.fr', { status: 'excluded' }),
    ])
    for (const n of [1, 400]) await saveArticle(database.db, client, 'client', article(client, n))
    for (const n of [2, 3, 400])
      await saveArticle(database.db, client, 'competitor', article('rival-in.fr', n))
    await saveArticle(
      database.db,
      client,
      'competitor',
      article('rival-in.fr', 5, { publishedAt: null, dateSource: null }),
    )
    await saveArticle(database.db, client, 'competitor', article('out.fr', 4))
    await markNearDuplicates(database.db, [
      { urlHash: article('rival-in.fr', 3).urlHash, of: article('rival-in.fr', 2).urlHash },
      { urlHash: 'f'.repeat(64), of: article('rival-in.fr', 2).urlHash },
    ])
    const found = await readTrendArticles(database.db, client, new Date(NOW - 180 * 86_400_000))
    expect(found.map((one) => [one.role, one.domain, one.url.split('/').at(-1)])).toEqual([
      ['client', client, '1'],
      ['client', client, '400'],
      ['competitor', 'rival-in.fr', '2'],
      ['competitor', 'rival-in.fr', '5'],
    ])
    expect(found[0]?.publishedAt).toBe(article(client, 1).publishedAt)
    expect(found[3]?.publishedAt).toBeNull()
  })
})
