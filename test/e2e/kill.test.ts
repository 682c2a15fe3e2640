import { afterAll, describe, expect, it } from 'vitest'
import { useCleanUp } from '../support/clean-up.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { openSession, queryOnce } from '../support/sessions.ts'
import { until } from '../support/wait.ts'
import { type GatedDemo, type Passing, startGatedDemo } from './gate.ts'
import { awaitEnd, postAudit, startRowbeat, stepOf, stopAll } from './rowbeat.ts'
import { readStored, type StoredResult } from './stored.ts'

const CLIENT = 'atelier-velo.test'
const ASKED = new Date()
const cleanUp = useCleanUp('all')
afterAll(stopAll)

interface Stage {
  readonly database: TestDatabase
  readonly gated: GatedDemo
  readonly settings: Readonly<Record<string, string>>
}

async function setStage(holds: (passing: Passing) => boolean): Promise<Stage> {
  const database = await createTestDatabase()
  cleanUp.push(() => database.drop())
  const gated = await startGatedDemo(holds, ASKED)
  cleanUp.push(() => gated.close())
  return { database, gated, settings: { ...gated.settings, DATABASE_URL: database.url } }
}

/** Holds the audit inside a step; `reached` is true when it is there. */
interface Halt {
  reached(): boolean | Promise<boolean>
  release(): Promise<void>
}

/** Starts an audit, kills its process in the middle of a step, and lets another process end it. */
async function killWithin(step: string, stage: Stage, halt: Halt): Promise<StoredResult> {
  const { database, settings } = stage
  const first = await startRowbeat(settings)
  const executionId = await postAudit(first.url, CLIENT)
  await until(() => halt.reached(), {
    timeoutMs: 90_000,
    what: `the audit to be inside ${step}`,
    everyMs: 50,
  })
  const running = await queryOnce<{ step: string; poller_id: string }>(
    database.url,
    `select step, poller_id from rowbeat.scheduled_jobs where status = 'running'`,
  )
  expect(running.map((one) => one.step)).toContain(step)
  first.kill('SIGKILL')
  expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' })
  const second = await startRowbeat(settings)
  await halt.release()
  const status = await awaitEnd(second.url, CLIENT, executionId, 90_000)
  expect(status).toMatchObject({ overall_status: 'completed', overall_progress: 100 })
  expect(stepOf(status, step)).toMatchObject({ status: 'completed', attempt: 2 })
  const [row] = await queryOnce<{ poller_id: string; retry_count: number; codes: unknown }>(
    database.url,
    `select poller_id, retry_count, jsonb_path_query_array(errors, '$[*].code') as codes
     from rowbeat.scheduled_jobs where step = $1`,
    [step],
  )
  expect(row).toMatchObject({ retry_count: 0, codes: ['POLLER_LOST'] })
  expect(running.map((one) => one.poller_id)).not.toContain(row?.poller_id)
  return readStored(database.url, CLIENT)
}

function haltAt(gated: GatedDemo): Halt {
  return {
    reached: () => gated.held() > 0,
    release: async () => gated.open(),
  }
}

/** Lets nobody write trend runs: the last step asks the network for nothing, but must store its run. */
async function haltAtTrendRuns(url: string): Promise<Halt> {
  const holder = await openSession(url)
  cleanUp.push(() => holder.end())
  await holder.query('begin; lock table rowbeat.trend_runs in exclusive mode')
  return {
    reached: async () => {
      const waiting = await queryOnce(
        url,
        `select from pg_locks where not granted and relation = 'rowbeat.trend_runs'::regclass`,
      )
      return waiting.length > 0
    },
    release: async () => {
      await holder.query('rollback')
    },
  }
}

/** For each step that asks the network: the request in whose middle the process dies. */
const HELD_REQUESTS: Readonly<Record<string, (passing: Passing) => boolean>> = {
  editorial_analysis: ({ host, path, openings }) =>
    host === CLIENT && openings === 1 && /^\/blog\/[a-z]/.test(path),
  competitor_search: ({ host, visit }) => host === 'search.test' && visit >= 2,
  client_scraping: ({ host, path, openings }) => host === CLIENT && openings === 2 && late(path),
  enhanced_scraping: ({ host, path }) =>
    host === 'roue-libre-pro.test' && /^\/ressources\/.*[m-z].*\.html$/.test(path),
}

/** Some, not all of the articles, so that others are stored before. */
function late(path: string): boolean {
  return /^\/blog\/[m-z]/.test(path)
}

/** What an audit leaves that nobody disturbs; beside the others, since most of their time is waiting. */
async function runUndisturbed(): Promise<StoredResult> {
  const { settings, database } = await setStage(() => false)
  const process = await startRowbeat(settings)
  const status = await awaitEnd(process.url, CLIENT, await postAudit(process.url, CLIENT), 90_000)
  expect(status.overall_status).toBe('completed')
  process.kill('SIGKILL')
  return readStored(database.url, CLIENT)
}

describe('a process that is killed in the middle of an audit', { timeout: 240_000 }, () => {
  let undisturbed: Promise<StoredResult> | null = null
  const expected = (): Promise<StoredResult> => {
    undisturbed ??= runUndisturbed()
    return undisturbed
  }

  it.concurrent('is compared with an audit that was worth keeping', async () => {
    const stored = await expected()
    expect(stored).toMatchObject({ executions: ['completed'], profiles: 1, trendRuns: 1 })
    expect(stored.steps).toHaveLength(5)
    expect(stored.pages.length).toBeGreaterThan(10)
    expect(stored.articles.length).toBeGreaterThan(60)
    expect(new Set(stored.articles).size).toBe(stored.articleRows)
    expect(stored.topics.length).toBeGreaterThan(2)
  })

  for (const [step, holds] of Object.entries(HELD_REQUESTS)) {
    it.concurrent(`loses nothing of ${step} and leaves nothing twice`, async () => {
      const stage = await setStage(holds)
      expect(await killWithin(step, stage, haltAt(stage.gated))).toEqual(await expected())
    })
  }

  it.concurrent('loses nothing of trend_pipeline and leaves nothing twice', async () => {
    const stage = await setStage(() => false)
    const halt = await haltAtTrendRuns(stage.database.url)
    expect(await killWithin('trend_pipeline', stage, halt)).toEqual(await expected())
  })
})
