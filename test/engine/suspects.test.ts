import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { until } from '../support/wait.ts'
import { gate, useEngines } from './harness.ts'

const engines = useEngines()
const CHILD = fileURLToPath(new URL('./poison-child.ts', import.meta.url))
const DIED_OF_IT = 7

/** Starts daemons one after the other, each when the one before has died, until nothing is left to do. */
async function restartUntilDrained(): Promise<(number | null)[]> {
  const deaths: (number | null)[] = []
  let isDone = false
  let end: () => void = () => undefined
  const supervise = async (): Promise<void> => {
    while (!isDone) {
      const child = fork(CHILD, [engines.url], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      end = () => void child.kill('SIGKILL')
      const code = await new Promise<number | null>((resolve) => child.on('exit', resolve))
      if (!isDone) deaths.push(code)
    }
  }
  const supervisor = supervise()
  try {
    await engines.drained(60_000)
  } finally {
    isDone = true
    end()
    await supervisor
  }
  return deaths
}

it('a job that kills its process in a restart loop takes no innocent with it, and ends as POISON', {
  timeout: 90_000,
}, async () => {
  const innocents = await engines.add(
    ...Array.from({ length: 6 }, () => ({ jobType: 'innocent', maxRetries: 0 })),
  )
  const [poison = ''] = await engines.add({ jobType: 'poison', priority: 1 })
  // Twice among the others, twice alone.
  expect(await restartUntilDrained()).toEqual(Array(4).fill(DIED_OF_IT))
  for (const id of innocents) {
    expect(await engines.read(id)).toMatchObject({ status: 'completed', retry_count: 0 })
  }
  expect(await engines.read(poison)).toMatchObject({ status: 'failed', last_error_code: 'POISON' })
  const { rows } = await engines.pool.query('select * from rowbeat.assert_invariants()')
  expect(rows).toEqual([])
})

/** Jobs that ran on two lost pollers, `aloneDeaths` of them alone. */
async function addSuspects(jobType: string, count: number, aloneDeaths: number): Promise<string[]> {
  const { rows } = await engines.pool.query<{ id: string }>(
    `with jobs as (
       insert into rowbeat.scheduled_jobs (job_type, attempt) select $1, 2 from generate_series(1, $2) returning id
     )
     insert into rowbeat.suspects (job_id, deaths, alone_deaths) select id, 2, $3 from jobs returning job_id as id`,
    [jobType, count, aloneDeaths],
  )
  return rows.map((row) => row.id)
}

it('suspects run one at a time beside the others, and are handed back when the poller stops', async () => {
  const door = gate()
  const suspects = await addSuspects('suspect', 3, 0)
  const innocents = await engines.add({ jobType: 'innocent' }, { jobType: 'innocent' })
  const started = await engines.start({ jobs: { suspect: door.run, innocent: () => 'done' } })
  await until(() => door.inside() === 1, { what: 'a suspect to begin' })
  for (const id of innocents) {
    await until(async () => (await engines.read(id)).status === 'completed', { what: 'the innocent' })
  }
  const { rows } = await engines.pool.query(
    'select s.job_id from rowbeat.suspects s join rowbeat.scheduled_jobs j on j.lease_id = s.alone_lease and j.id = s.job_id',
  )
  expect(rows).toHaveLength(1)
  expect(door.entered()).toBe(1)
  await started.stop(0)
  for (const id of suspects) {
    expect(await engines.read(id)).toMatchObject({ status: 'pending', retry_count: 0 })
  }
})

it('a suspect that died alone runs where nothing else does, and nothing begins beside it', async () => {
  const [before, alone] = [gate(), gate()]
  await engines.add({ jobType: 'before' })
  await engines.start({ jobs: { before: before.run, suspect: alone.run, innocent: () => 'done' } })
  await until(() => before.inside() === 1, { what: 'the other job to begin' })
  const [suspect = ''] = await addSuspects('suspect', 1, 1)
  await until(async () => (await engines.read(suspect)).status === 'running', { what: 'its claim' })
  expect(alone.entered()).toBe(0)
  before.open()
  await until(() => alone.inside() === 1, { what: 'the suspect to begin' })
  const [innocent = ''] = await engines.add({ jobType: 'innocent' })
  expect((await engines.read(innocent)).status).toBe('pending')
  alone.open()
  await engines.drained()
  expect(await engines.statuses()).toEqual({ completed: 3 })
})
