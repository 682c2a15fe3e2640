import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { useEngines } from './harness.ts'

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
