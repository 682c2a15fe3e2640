/** The raw SQL cycle: Rowbeat's own table and statement in a plain loop, with no engine and no handlers. */
import { randomUUID } from 'node:crypto'
import { claimJobs, exchange, type Floor } from '../../../src/store/claims.ts'
import { connect } from '../../../src/store/database.ts'
import type { Completion } from '../../../src/store/fence.ts'
import { JOB_TYPE, rowbeat } from './rowbeat.ts'
import type { System, Worker, WorkRequest } from './system.ts'

/** As many writes at once as the engine has. */
const LOOPS = 2
const BATCH = 768
const LANE = { queue: 'default', priority: 0 }

export const raw: System = {
  ...rowbeat,
  name: 'raw SQL',
  configuration: `${LOOPS} connections, each in a loop of exchange(settle ${BATCH}, claim ${BATCH})`,
  keeps: 'as rowbeat',
  endedWorkflowsSql: null,
  work,
}

async function work({ url, onJob }: WorkRequest): Promise<Worker> {
  const connections = connect({ url, max: LOOPS, applicationName: 'rowbeat-bench-raw' })
  const pollerId = randomUUID()
  let stopping = false

  const loop = async (): Promise<void> => {
    let floor: Floor = { at: Number.NEGATIVE_INFINITY, id: '0' }
    let done: Completion[] = []
    let ended: string[] = []
    while (!stopping) {
      const leaseId = randomUUID()
      const claim = { lane: LANE, floor, limit: BATCH, leaseId, pollerId, jobTypes: [JOB_TYPE] }
      const claimed =
        done.length === 0
          ? await claimJobs(connections.pool, claim)
          : (await exchange(connections.pool, claim, done, ended)).claimed
      ended = done.slice(0, 1).map((one) => one.leaseId)
      const last = claimed.at(-1)
      if (last === undefined && done.length === 0) return
      if (last !== undefined) floor = { at: last.scheduledAt, id: last.id }
      done = claimed.map((job) => ({ id: job.id, leaseId: job.leaseId }))
      for (let job = 0; job < claimed.length; job++) onJob(null)
    }
  }

  const loops = Promise.all(Array.from({ length: LOOPS }, loop))
  // Reported by stop(); without a handler here it would end the process first.
  loops.catch(() => undefined)
  return {
    stop: async () => {
      stopping = true
      await loops
      await connections.close()
    },
  }
}
