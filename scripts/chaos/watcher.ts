/** What the API would say of running executions, read again and again: it may go forward only. */
import type pg from 'pg'
import { overallProgress, type StepProgress } from '../../src/core/progress.ts'
import { isLive } from '../../src/core/states.ts'
import { connect } from '../../src/store/database.ts'
import { type ExecutionView, readExecution } from '../../src/store/executions.ts'
import { sleep } from './clock.ts'

export interface Watcher {
  /** Everything that went backwards, and how many answers were read. */
  stop(): Promise<{ readonly problems: readonly string[]; readonly answers: number }>
}

interface Seen {
  readonly view: ExecutionView
  readonly progress: number
}

const EVERY_MS = 150
/** So many of the newest are followed at once. */
const FOLLOWED_MAX = 8
const PROBLEMS_MAX = 50

/** Follows the newest executions; `ids` is asked for all that were acknowledged. */
export function watchExecutions(url: string, ids: () => readonly string[]): Watcher {
  const connections = connect({ url, max: 1, applicationName: 'rowbeat chaos watcher' })
  const seen = new Map<string, Seen>()
  const problems: string[] = []
  let answers = 0
  let stopped = false

  const followed = (): readonly string[] => {
    const open = [...seen].filter(([, one]) => isLive(one.view.status)).map(([id]) => id)
    const fresh = ids()
      .slice(-FOLLOWED_MAX)
      .filter((id) => !seen.has(id))
    return [...open, ...fresh].slice(0, FOLLOWED_MAX)
  }
  const once = async (): Promise<void> => {
    for (const id of followed()) {
      const now = await readOne(connections.pool, id)
      if (now === null) continue
      answers += 1
      const before = seen.get(id)
      if (before !== undefined && problems.length < PROBLEMS_MAX) problems.push(...compare(before, now))
      seen.set(id, now)
    }
  }
  const run = async (): Promise<void> => {
    while (!stopped) {
      // An answer that does not come says nothing wrong.
      await once().catch(() => undefined)
      await sleep(EVERY_MS)
    }
  }
  const running = run()
  return {
    stop: async () => {
      stopped = true
      await running
      await connections.close()
      return { problems, answers }
    },
  }
}

async function readOne(pool: pg.Pool, id: string): Promise<Seen | null> {
  const view = await readExecution(pool, id)
  return view === null
    ? null
    : { view, progress: overallProgress(view.steps.map(toProgress), view.now.getTime()) }
}

function toProgress(step: ExecutionView['steps'][number]): StepProgress {
  const since = step.progressDetail?.reported_since
  return {
    step: step.step,
    status: step.status,
    dependsOn: step.dependsOn,
    estimateSeconds: step.estimateSeconds,
    firstStartedAt: step.startedAt?.getTime() ?? null,
    dueAt: step.scheduledAt.getTime(),
    reportedPercent: step.progress,
    reportedSince: typeof since === 'string' ? Date.parse(since) : null,
  }
}

/** What went backwards between two answers about one execution. */
export function compare(before: Seen, now: Seen): string[] {
  const id = now.view.executionId
  const problems: string[] = []
  if (now.progress < before.progress)
    problems.push(`execution ${id}: progress fell from ${before.progress} to ${now.progress}`)
  if (now.view.version < before.view.version) problems.push(`execution ${id}: its version fell`)
  if (before.view.status !== 'pending' && now.view.status === 'pending')
    problems.push(`execution ${id} was ${before.view.status} and is pending again`)
  if (!isLive(before.view.status) && now.view.status !== before.view.status)
    problems.push(`execution ${id} was ${before.view.status} and is ${now.view.status}`)
  return problems
}
