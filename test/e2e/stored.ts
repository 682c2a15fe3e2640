/** What an audit left in the database, in a form that two runs can be compared by. */
import { queryOnce } from '../support/sessions.ts'

export interface StoredResult {
  readonly executions: readonly string[]
  readonly steps: readonly string[]
  readonly profiles: number
  readonly pages: readonly string[]
  readonly profile: unknown
  readonly competitors: readonly string[]
  /** `role domain url_hash` of every article of the client, sorted. */
  readonly articles: readonly string[]
  /** Articles of all, to see that none is stored twice. */
  readonly articleRows: number
  readonly trendRuns: number
  readonly topics: readonly unknown[]
  readonly recommendations: readonly string[]
}

/** Everything an audit of `domain` stored, without ids and times. */
export async function readStored(url: string, domain: string): Promise<StoredResult> {
  const rows = await queryOnce<{ stored: StoredResult }>(
    url,
    `with profile as (
  select * from rowbeat.site_profiles where domain = $1 order by analyzed_at desc, id desc limit 1
), run as (
  select * from rowbeat.trend_runs where client_domain = $1 order by id desc limit 1
)
select jsonb_build_object(
  'executions', (select coalesce(jsonb_agg(e.status order by e.created_at), '[]')
    from rowbeat.workflow_executions e where e.subject = $1),
  'steps', (select coalesce(jsonb_agg(j.step || ' ' || j.status order by j.sequence_index), '[]')
    from rowbeat.scheduled_jobs j),
  'profiles', (select count(*) from rowbeat.site_profiles p where p.domain = $1),
  'pages', (select coalesce(jsonb_agg(g.url || ' ' || g.status || ' ' || coalesce(g.word_count, -1) order by g.position), '[]')
    from rowbeat.site_pages g join profile p on p.id = g.profile_id),
  'profile', (select to_jsonb(p) - '{id,execution_id,job_id,analyzed_at,duration_seconds}'::text[] from profile p),
  'competitors', (select coalesce(jsonb_agg(c.domain || ' ' || c.status || ' ' || c.combined order by c.domain), '[]')
    from rowbeat.competitors c where c.client_domain = $1),
  'articles', (select coalesce(jsonb_agg(l.role || ' ' || a.domain || ' ' || a.url_hash order by l.role, a.domain, a.url_hash), '[]')
    from rowbeat.article_links l join rowbeat.articles a on a.id = l.article_id where l.client_domain = $1),
  'articleRows', (select count(*) from rowbeat.articles),
  'trendRuns', (select count(*) from rowbeat.trend_runs r where r.client_domain = $1),
  'topics', (select coalesce(jsonb_agg(jsonb_build_object('label', t.label, 'size', t.size, 'scope', t.scope, 'urls', (
        select jsonb_agg(a.url order by a.url)
        from rowbeat.topic_articles ta join rowbeat.articles a on a.id = ta.article_id
        where ta.trend_run_id = t.trend_run_id and ta.topic_id = t.topic_id)) order by t.topic_id), '[]')
    from rowbeat.topics t join run on run.id = t.trend_run_id),
  'recommendations', (select coalesce(jsonb_agg(r.title order by r.position), '[]')
    from rowbeat.recommendations r join run on run.id = r.trend_run_id)
) as stored`,
    [domain],
  )
  const stored = rows[0]?.stored
  if (stored === undefined) throw new Error('nothing was read')
  return stored
}
