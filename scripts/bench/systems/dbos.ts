/** DBOS Transact: workflows started 50 at once in the process that runs them, each step checkpointed. */
import { DBOS } from '@dbos-inc/dbos-sdk'
import { monotonicMs } from '../clock.ts'

export const DBOS_AT_ONCE = 50
const POOL_MAX = 20

export const DBOS_FACTS = {
  name: 'dbos',
  packageName: '@dbos-inc/dbos-sdk',
  configuration: `workflows only: ${DBOS_AT_ONCE} started at once in one process, runStep per step, system pool of ${POOL_MAX}`,
  keeps: 'a row per workflow and per step; history per step',
  endedWorkflowsSql: `select count(*)::integer as ended from dbos.workflow_status where status = 'SUCCESS'`,
} as const

const noop = async (): Promise<null> => null

async function fiveSteps(): Promise<void> {
  await DBOS.runStep(noop, { name: 'a' })
  const c = DBOS.runStep(noop, { name: 'c' })
  const d = DBOS.runStep(noop, { name: 'b' }).then(() => DBOS.runStep(noop, { name: 'd' }))
  await Promise.all([c, d])
  await DBOS.runStep(noop, { name: 'e' })
}

export interface DbosRun {
  readonly ended: number
  readonly seconds: number
}

/** Launches DBOS (which makes its tables); the returned function runs workflows until `count` or `seconds`. */
export async function launchDbos(url: string): Promise<{
  run(count: number, seconds: number): Promise<DbosRun>
  stop(): Promise<void>
}> {
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: url,
    systemDatabasePoolSize: POOL_MAX,
    logLevel: 'error',
    enableOTLP: false,
  })
  const workflow = DBOS.registerWorkflow(fiveSteps, { name: 'fiveSteps' })
  await DBOS.launch()
  return {
    run: async (count, seconds) => {
      const begun = monotonicMs()
      let started = 0
      let ended = 0
      const lane = async (): Promise<void> => {
        while (started < count && monotonicMs() - begun < seconds * 1000) {
          started += 1
          const handle = await DBOS.startWorkflow(workflow)()
          await handle.getResult()
          ended += 1
        }
      }
      await Promise.all(Array.from({ length: DBOS_AT_ONCE }, lane))
      return { ended, seconds: (monotonicMs() - begun) / 1000 }
    },
    stop: () => DBOS.shutdown(),
  }
}
