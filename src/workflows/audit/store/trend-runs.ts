/** Trend runs, written whole or not at all. */
import { sql } from 'kysely'
import type { Database } from '../../../core/ports.ts'
import type { TopicMetrics, TrendResult } from '../types.ts'
import { iso, json } from './tables.ts'

export interface TrendRun {
  readonly clientDomain: string
  readonly executionId: string | null
  readonly jobId: string
  readonly durationSeconds: number
}

/**
 * The moment a trend run looks back from: that of the row this job wrote before, else the present of the
 * database. So a job that runs twice sees the same windows.
 */
export async function readAsOf(db: Database, clientDomain: string, jobId: string): Promise<Date> {
  const { rows } = await sql<{ as_of: Date }>`
    select coalesce(
      (select as_of from rowbeat.trend_runs where client_domain = ${clientDomain} and job_id = ${jobId}),
      date_trunc('milliseconds', now())) as as_of`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('a select without from returned no row')
  return new Date(row.as_of)
}

/** Stores a run with all it found, in one transaction; the same job writes the same run again. Returns its id. */
export async function saveTrendRun(db: Database, run: TrendRun, result: TrendResult): Promise<string> {
  return await db.transaction().execute(async (trx) => {
    const id = await upsertRun(trx, run, result)
    await sql`delete from rowbeat.topics where trend_run_id = ${id}`.execute(trx)
    await sql`delete from rowbeat.topic_outliers where trend_run_id = ${id}`.execute(trx)
    await insertTopics(trx, id, result)
    await insertArticles(trx, id, result)
    await insertWindows(trx, id, result.metrics)
    await insertSyntheses(trx, id, result)
    await insertGaps(trx, id, result)
    return id
  })
}

async function upsertRun(trx: Database, run: TrendRun, result: TrendResult): Promise<string> {
  const { stages, counts } = result
  const { rows } = await sql<{ id: string }>`
    insert into rowbeat.trend_runs (
      client_domain, execution_id, job_id, as_of, time_window_days, stage_clustering, stage_temporal,
      stage_synthesis, stage_gap, article_count, undated_count, cluster_count, outlier_count,
      recommendation_count, gap_count, duration_seconds)
    values (
      ${run.clientDomain}, ${run.executionId}, ${run.jobId}, ${result.asOf}, ${result.timeWindowDays},
      ${stages.clustering}, ${stages.temporal}, ${stages.synthesis}, ${stages.gap}, ${counts.articles},
      ${counts.undated}, ${counts.clusters}, ${counts.outliers}, ${counts.recommendations}, ${counts.gaps},
      ${run.durationSeconds})
    on conflict on constraint trend_runs_one_per_job do update set
      execution_id = excluded.execution_id,
      as_of = excluded.as_of,
      time_window_days = excluded.time_window_days,
      stage_clustering = excluded.stage_clustering,
      stage_temporal = excluded.stage_temporal,
      stage_synthesis = excluded.stage_synthesis,
      stage_gap = excluded.stage_gap,
      article_count = excluded.article_count,
      undated_count = excluded.undated_count,
      cluster_count = excluded.cluster_count,
      outlier_count = excluded.outlier_count,
      recommendation_count = excluded.recommendation_count,
      gap_count = excluded.gap_count,
      duration_seconds = excluded.duration_seconds,
      created_at = now()
    returning id::text as id`.execute(trx)
  const [row] = rows
  if (row === undefined) throw new Error('an upsert returned no row')
  return row.id
}

async function insertTopics(trx: Database, id: string, result: TrendResult): Promise<void> {
  const metrics = new Map(result.metrics.map((one) => [one.topicId, one]))
  const rows = result.topics.map(({ articleIds: _, ...topic }) => ({
    ...metrics.get(topic.topicId),
    ...topic,
  }))
  await sql`
    insert into rowbeat.topics (
      trend_run_id, topic_id, label, terms, size, coherence, scope, velocity, freshness, source_diversity, cohesion,
      potential, trend, dated_articles, undated_articles)
    select ${id}, one."topicId", one.label, one.terms, one.size, one.coherence, one.scope, one.velocity,
      one.freshness, one."sourceDiversity", one.cohesion, one.potential, one.trend, one."datedArticles",
      one."undatedArticles"
    from jsonb_to_recordset(${json(rows, 500)}) as one (
      "topicId" integer, label text, terms jsonb, size integer, coherence double precision, scope text,
      velocity double precision, freshness double precision, "sourceDiversity" integer, cohesion double precision,
      potential double precision, trend text, "datedArticles" integer, "undatedArticles" integer)`.execute(
    trx,
  )
}

async function insertArticles(trx: Database, id: string, result: TrendResult): Promise<void> {
  const members = result.topics.flatMap((topic) =>
    topic.articleIds.map((articleId) => ({ topic: topic.topicId, article: articleId })),
  )
  // Joined with articles: one that was purged while the run computed must not void the run.
  await sql`
    insert into rowbeat.topic_articles (trend_run_id, topic_id, article_id)
    select ${id}, one.topic, a.id
    from jsonb_to_recordset(${json(members)}) as one (topic integer, article bigint)
    join rowbeat.articles a on a.id = one.article
    on conflict (trend_run_id, article_id) do nothing`.execute(trx)
  await sql`
    insert into rowbeat.topic_outliers (trend_run_id, article_id, category, distance)
    select ${id}, a.id, one.category, one.distance
    from jsonb_to_recordset(${json(result.outliers)}) as one (
      "articleId" bigint, category text, distance double precision)
    join rowbeat.articles a on a.id = one."articleId"
    on conflict (trend_run_id, article_id) do nothing`.execute(trx)
}

async function insertWindows(trx: Database, id: string, metrics: readonly TopicMetrics[]): Promise<void> {
  const rows = metrics.flatMap((one) =>
    one.windows.map((window) => ({
      ...window,
      topic: one.topicId,
      starts_at: iso(window.start),
      ends_at: iso(window.end),
    })),
  )
  await sql`
    insert into rowbeat.topic_windows (
      trend_run_id, topic_id, days, starts_at, ends_at, volume, velocity, freshness, source_diversity, drift,
      drift_detected, trend)
    select ${id}, one.topic, one.days, one.starts_at, one.ends_at, one.volume, one.velocity, one.freshness,
      one."sourceDiversity", one.drift, one."driftDetected", one.trend
    from jsonb_to_recordset(${json(rows)}) as one (
      topic integer, days integer, starts_at timestamptz, ends_at timestamptz, volume integer,
      velocity double precision, freshness double precision, "sourceDiversity" integer, drift double precision,
      "driftDetected" boolean, trend text)`.execute(trx)
}

async function insertSyntheses(trx: Database, id: string, result: TrendResult): Promise<void> {
  await sql`
    insert into rowbeat.topic_syntheses (
      trend_run_id, topic_id, method, synthesis, saturated_angles, opportunities)
    select ${id}, one."topicId", one.method, one.synthesis, one."saturatedAngles", one.opportunities
    from jsonb_to_recordset(${json(result.syntheses)}) as one (
      "topicId" integer, method text, synthesis text, "saturatedAngles" jsonb, opportunities jsonb)`.execute(
    trx,
  )
  await sql`
    insert into rowbeat.recommendations (
      trend_run_id, position, topic_id, title, hook, outline, effort, differentiation)
    select ${id}, one.position, one."topicId", one.title, one.hook, one.outline, one.effort, one.differentiation
    from jsonb_to_recordset(${json(result.recommendations.map((one, position) => ({ ...one, position })))}) as one (
      position integer, "topicId" integer, title text, hook text, outline jsonb, effort text,
      differentiation double precision)
    order by one.position`.execute(trx)
}

async function insertGaps(trx: Database, id: string, result: TrendResult): Promise<void> {
  await sql`
    insert into rowbeat.gaps (
      trend_run_id, topic_id, coverage, level, priority, diagnostic, opportunity, risk, risk_assessment)
    select ${id}, one."topicId", one.coverage, one.level, one.priority, one.diagnostic, one.opportunity, one.risk,
      one."riskAssessment"
    from jsonb_to_recordset(${json(result.gaps)}) as one (
      "topicId" integer, coverage double precision, level text, priority double precision, diagnostic text,
      opportunity text, risk text, "riskAssessment" text)`.execute(trx)
  await sql`
    insert into rowbeat.strengths (trend_run_id, topic_id, coverage, advantage, description)
    select ${id}, one."topicId", one.coverage, one.advantage, one.description
    from jsonb_to_recordset(${json(result.strengths)}) as one (
      "topicId" integer, coverage double precision, advantage double precision, description text)`.execute(
    trx,
  )
  await sql`
    insert into rowbeat.roadmap_items (trend_run_id, position, topic_id, recommendation, priority, tier, effort)
    select ${id}, one."order", one."topicId", one.recommendation, one.priority, one.tier, one.effort
    from jsonb_to_recordset(${json(result.roadmap)}) as one (
      "order" integer, "topicId" integer, recommendation integer, priority double precision, tier text,
      effort text)`.execute(trx)
}
