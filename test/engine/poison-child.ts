/** A daemon in little for suspects.test.ts: six kinds of nothing, and a job that ends the process. */
import { createRegistry } from '../../src/core/registry.ts'
import { defineJob } from '../../src/core/workflow.ts'
import { createCompute } from '../../src/engine/compute.ts'
import { createEngine } from '../../src/engine/engine.ts'
import { createEvents } from '../../src/engine/events.ts'
import { connect } from '../../src/store/database.ts'

/** The exit code by which the test knows that the job did it. */
const DIED_OF_IT = 7
const INNOCENT_MS = 300
const POISON_MS = 100

const [, , url = ''] = process.argv
const { pool, db } = connect({ url, max: 8, applicationName: 'rowbeat' })
const input = { parse: (value: unknown): unknown => value }
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const events = createEvents((error) => {
  throw error
})
const engine = createEngine({
  pool,
  registry: createRegistry({
    jobs: [
      defineJob({ jobType: 'innocent', input, run: () => pause(INNOCENT_MS).then(() => undefined) }),
      defineJob({
        jobType: 'poison',
        input,
        run: async () => {
          await pause(POISON_MS)
          process.exit(DIED_OF_IT)
        },
      }),
    ],
    workflows: [],
  }),
  services: {
    db,
    outbound: { fetch: () => Promise.reject(new Error('no network')), isMapped: () => false },
    compute: createCompute(),
  },
  events,
  concurrency: 8,
  version: 'test',
  listenUrl: null,
  logFor: () => ({ info: () => undefined, warn: () => undefined }),
  timing: { beatMs: 200, beatTtlSeconds: 2, lookMs: 50, leasesMs: 50, upkeepMs: 100 },
})
process.on('disconnect', () => process.exit(0))
await engine.start()
