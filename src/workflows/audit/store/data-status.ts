/** What an audit has to work with, in one round trip. */
import { sql } from 'kysely'
import type { Database } from '../../../core/ports.ts'
import { type DataFacts, type DataStatus, type DataThresholds, dataStatus } from '../plan.ts'

export interface DataReading {
  readonly status: DataStatus
  readonly facts: DataFacts
  /** The time of the database, ms since epoch. */
  readonly now: number
}

/**
 * Reads and judges the data of a domain. One query; articles are counted in the index of their links, and only up
 * to the threshold, so that its cost does not grow with the data.
 */
export async function readDataStatus(
  db: Database,
  domain: string,
  thresholds: DataThresholds,
): Promise<DataReading> {
  const { rows } = await sql<Record<keyof DataFacts | 'now', number | null>>`
    select
      (extract(epoch from now()) * 1000)::float8 as now,
      (select (extract(epoch from analyzed_at) * 1000)::float8
        from rowbeat.site_profiles
        where domain = ${domain}
        order by analyzed_at desc, id desc
        limit 1) as "profileAt",
      competitors.total as competitors,
      competitors.newest as "competitorsAt",
      (select count(*)::int
        from (
          select 1
          from rowbeat.article_links
          where client_domain = ${domain} and role = 'client'
          limit ${thresholds.minClientArticles}
        ) own) as "clientArticles",
      (select (extract(epoch from max(finished_at)) * 1000)::float8
        from rowbeat.scrape_reports
        where client_domain = ${domain} and role = 'client' and problem_code is null) as "clientScrapedAt",
      (select count(*)::int
        from (
          select 1
          from rowbeat.competitors c
          join rowbeat.article_links l
            on l.client_domain = c.client_domain and l.role = 'competitor' and l.domain = c.domain
          where c.client_domain = ${domain} and c.usable
          limit ${thresholds.minCompetitorArticles}
        ) others) as "competitorArticles",
      (select (extract(epoch from max(finished_at)) * 1000)::float8
        from rowbeat.scrape_reports
        where client_domain = ${domain} and role = 'competitor' and problem_code is null) as "competitorsScrapedAt",
      (select (extract(epoch from created_at) * 1000)::float8
        from rowbeat.trend_runs
        where client_domain = ${domain}
          and stage_clustering = 'completed'
          and stage_temporal = 'completed'
          and stage_synthesis = 'completed'
        order by created_at desc, id desc
        limit 1) as "trendAt"
    from (
      select count(*)::int as total, (extract(epoch from max(updated_at)) * 1000)::float8 as newest
      from rowbeat.competitors
      where client_domain = ${domain} and usable
    ) competitors`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('an aggregate returned no row')
  const now = row.now ?? 0
  const facts: DataFacts = {
    profileAt: row.profileAt,
    competitors: row.competitors ?? 0,
    competitorsAt: row.competitorsAt,
    clientArticles: row.clientArticles ?? 0,
    clientScrapedAt: row.clientScrapedAt,
    competitorArticles: row.competitorArticles ?? 0,
    competitorsScrapedAt: row.competitorsScrapedAt,
    trendAt: row.trendAt,
  }
  return { status: dataStatus(facts, thresholds, now), facts, now }
}
