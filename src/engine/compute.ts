/** The compute port: a set of threads for every pool that tasks name, made when it is first named. */
import { availableParallelism } from 'node:os'
import { RowbeatError } from '../core/errors.ts'
import type { Compute, ThreadPool, ThreadTask } from '../core/ports.ts'
import { createThreads, type Threads } from './threads.ts'

export interface ComputeThreads extends Compute {
  /** Threads alive now, in all pools. */
  size(): number
  /** Ends all threads, whatever they do, and refuses every call from now on with `POLLER_LOST`. */
  close(): Promise<void>
}

/** For tasks that name no pool. A core is left to the main loop, which beats for all. */
const COMMON: ThreadPool = {
  name: 'common',
  most: Math.min(8, Math.max(1, availableParallelism() - 1)),
  heapMaxMb: 512,
}
/** Pools are declared in code; more of them would be a name made up for every call. */
const POOLS_MAX = 16
/** A native function cannot be ended before it returns; the end of the process does not wait longer for it. */
const CLOSE_MAX_MS = 2_000

/** Threads for everything that computes in this process; nothing is started before the first call. */
export function createCompute(
  options: {
    /** Instead of the pool of tasks that name none: a thread less than there are cores, 512 MiB each. */
    readonly common?: ThreadPool
    /** An idle thread ends after this; default 30. */
    readonly idleSeconds?: number
  } = {},
): ComputeThreads {
  const { common = COMMON, idleSeconds } = options
  const pools = new Map<string, { readonly pool: ThreadPool; readonly threads: Threads }>()
  let closed = false

  const threadsOf = ({ pool = common }: ThreadTask): Threads => {
    const known = pools.get(pool.name)
    if (known !== undefined) {
      if (known.pool.most === pool.most && known.pool.heapMaxMb === pool.heapMaxMb) return known.threads
      throw new RowbeatError('INTERNAL_ERROR', `the pool "${pool.name}" is declared twice, with other limits`)
    }
    requireLimits(pool)
    if (pools.size >= POOLS_MAX) {
      throw new RowbeatError('INTERNAL_ERROR', `"${pool.name}" would be one pool of threads too many`)
    }
    const threads = createThreads({ most: pool.most, heapMaxMb: pool.heapMaxMb, idleSeconds })
    pools.set(pool.name, { pool, threads })
    return threads
  }

  return {
    async run<Output>(...[task, input, call]: Parameters<Compute['run']>): Promise<Output> {
      if (closed) throw new RowbeatError('POLLER_LOST', 'the process ends, and its threads with it')
      return await threadsOf(task).run<Output>(task, input, call)
    },
    size: () => [...pools.values()].reduce((sum, { threads }) => sum + threads.size(), 0),
    close: async () => {
      closed = true
      const ended = Promise.all([...pools.values()].map(({ threads }) => threads.close()))
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_MAX_MS)
      })
      await Promise.race([ended, late])
      clearTimeout(timer)
    },
  }
}

function requireLimits({ name, most, heapMaxMb }: ThreadPool): void {
  if (Number.isInteger(most) && most >= 1 && most <= 64 && heapMaxMb >= 16) return
  throw new RowbeatError(
    'INTERNAL_ERROR',
    `the pool "${name}" must have 1 to 64 threads of 16 MiB or more, got ${most} of ${heapMaxMb} MiB`,
  )
}
