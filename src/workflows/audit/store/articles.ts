/** Articles, shared by all clients, and the links that say for whom they count. */
import { sql } from 'kysely'
import type { Database } from '../../../core/ports.ts'
import { contentTerms } from '../text/tokens.ts'
import type { Article, Language, TrendArticle } from '../types.ts'
import { auditTables, isoOrNull, storable, storableOrNull } from './tables.ts'

export type Role = TrendArticle['role']

/** Most articles of one site that count for one client; the newest ones. */
export const ARTICLES_PER_SITE_MAX = 1000
/** Most articles of one competitor that a trend run looks at; the newest ones. */
const TREND_ARTICLES_PER_COMPETITOR = 200
const TEXT_MAX = 200_000
const TREND_TEXT_MAX = 20_000
const TERMS_MAX = 60

/** What themes are matched with: the stems of a title and its keywords, sorted, each once. */
export function matchTerms(title: string, keywords: readonly string[], language: Language | null): string[] {
  const stems = contentTerms(`${title}. ${keywords.join('. ')}`, language)
  return [...new Set(stems)].slice(0, TERMS_MAX).sort()
}

/**
 * Stores an article, or renews the one with the same address, and links it to the client, in one statement.
 * Twice the same article leaves the same rows.
 */
export async function saveArticle(
  db: Database,
  clientDomain: string,
  role: Role,
  article: Article,
): Promise<void> {
  const title = storable(article.title, 500)
  const keywords = article.keywords.slice(0, 20).map((keyword) => storable(keyword, 100))
  await sql`
    with stored as (
      insert into rowbeat.articles as held (
        url_hash, domain, url, title, author, published_at, date_source, text, word_count, language, keywords,
        terms, simhash, source, score, etag, last_modified)
      values (
        ${article.urlHash}, ${article.domain}, ${storable(article.url, 2048)}, ${title},
        ${storableOrNull(article.author, 300)}, ${article.publishedAt}::timestamptz, ${article.dateSource},
        ${storable(article.text, TEXT_MAX)}, ${article.wordCount}, ${article.language}, ${keywords}::text[],
        ${matchTerms(title, keywords, article.language)}::text[], ${article.simhash}, ${article.source},
        ${article.score}, ${storableOrNull(article.etag, 500)}, ${storableOrNull(article.lastModified, 100)})
      on conflict on constraint articles_one_per_url do update set
        domain = excluded.domain,
        url = excluded.url,
        title = excluded.title,
        author = excluded.author,
        published_at = excluded.published_at,
        date_source = excluded.date_source,
        text = excluded.text,
        word_count = excluded.word_count,
        language = excluded.language,
        keywords = excluded.keywords,
        terms = excluded.terms,
        simhash = excluded.simhash,
        source = excluded.source,
        score = excluded.score,
        etag = excluded.etag,
        last_modified = excluded.last_modified,
        duplicate_of = null,
        updated_at = case
          when (held.title, held.text, held.published_at)
            is distinct from (excluded.title, excluded.text, excluded.published_at) then now()
          else held.updated_at end
      returning id, domain
    )
    insert into rowbeat.article_links (client_domain, article_id, role, domain)
    select ${clientDomain}, id, ${role}, domain from stored
    on conflict (client_domain, article_id) do update set role = excluded.role, domain = excluded.domain`.execute(
    db,
  )
}

/**
 * Links the newest stored articles of a site to a client: those that another client's scrape stored, and those
 * that the site now says are unchanged.
 */
export async function linkArticles(
  db: Database,
  clientDomain: string,
  domain: string,
  role: Role,
): Promise<void> {
  await sql`
    insert into rowbeat.article_links (client_domain, article_id, role, domain)
    select ${clientDomain}, id, ${role}, domain
    from rowbeat.articles
    where domain = ${domain}
    order by published_at desc nulls last, id
    limit ${ARTICLES_PER_SITE_MAX}
    on conflict (client_domain, article_id) do nothing`.execute(db)
}

/** Marks stored articles as near duplicates of others; pairs of which one is not stored are left out. */
export async function markNearDuplicates(
  db: Database,
  pairs: readonly { readonly urlHash: string; readonly of: string }[],
): Promise<void> {
  await sql`
    update rowbeat.articles copy
    set duplicate_of = original.id
    from unnest(${pairs.map((pair) => pair.urlHash)}::text[], ${pairs.map((pair) => pair.of)}::text[])
        as pair (url_hash, of_hash)
      join rowbeat.articles original on original.url_hash = pair.of_hash
    where copy.url_hash = pair.url_hash
      and copy.id <> original.id
      and copy.duplicate_of is distinct from original.id`.execute(db)
}

/** What is known of a stored article before it is asked for again. */
export interface StoredArticle {
  readonly etag: string | null
  readonly lastModified: string | null
  readonly simhash: string
}

/** The newest stored articles of a site, by address hash. */
export async function readKnownArticles(
  db: Database,
  domain: string,
): Promise<ReadonlyMap<string, StoredArticle>> {
  const rows = await auditTables(db)
    .selectFrom('rowbeat.articles')
    .select(['url_hash', 'etag', 'last_modified as lastModified', 'simhash'])
    .where('domain', '=', domain)
    .orderBy(sql`published_at desc nulls last, id`)
    .limit(ARTICLES_PER_SITE_MAX)
    .execute()
  return new Map(rows.map(({ url_hash, ...known }) => [url_hash, known]))
}

/**
 * The articles a trend run looks at, by id: all of the client and, of each usable competitor, the newest ones
 * published since `since` or undated. Near duplicates are left out.
 */
export async function readTrendArticles(
  db: Database,
  clientDomain: string,
  since: Date,
): Promise<TrendArticle[]> {
  const { rows } = await sql<{
    readonly id: string
    readonly domain: string
    readonly role: Role
    readonly title: string
    readonly text: string
    readonly language: Language | null
    readonly published_at: Date | null
    readonly url: string
  }>`
    with ranked as (
      select a.id, l.role, l.domain,
        row_number() over (partition by l.role, l.domain order by a.published_at desc nulls last, a.id) as place
      from rowbeat.article_links l
      join rowbeat.articles a on a.id = l.article_id
      where l.client_domain = ${clientDomain}
        and a.duplicate_of is null
        and (
          l.role = 'client'
          or (l.domain in (select domain from rowbeat.competitors where client_domain = ${clientDomain} and usable)
            and (a.published_at is null or a.published_at >= ${since}))
        )
    )
    select a.id::text as id, r.domain, r.role, a.title, left(a.text, ${TREND_TEXT_MAX}) as text, a.language,
      a.published_at, a.url
    from ranked r
    join rowbeat.articles a on a.id = r.id
    where r.place <= case r.role when 'client' then ${ARTICLES_PER_SITE_MAX}::int else ${TREND_ARTICLES_PER_COMPETITOR}::int end
    order by a.id`.execute(db)
  return rows.map(({ published_at, ...row }) => ({ ...row, publishedAt: isoOrNull(published_at) }))
}
