/**
 * What a poller believes about each queue and priority: whether it may hold due work, and from where to look.
 * Beliefs may be stale; the regular look from the stored floor corrects them.
 */
import type { ClaimedJob, Floor, Lane, Look } from '../store/claims.ts'

/** A row may commit a little later than its due time says; the floor stays this far behind the present. */
const FLOOR_LAG_SECONDS = 0.25
/** First and longest pause between polls of a lane where work was just seen, ms. */
const HOT_POLL_MIN_MS = 5
const HOT_POLL_MAX_MS = 400
/** Hints for later than this are left to the looks, which come every few seconds. */
const DUE_TIMER_MAX_MS = 60_000

interface LaneState {
  readonly lane: Lane
  floor: Floor
  ready: boolean
  /** Counts hints, so that one that arrives during a claim is not taken back by its result. */
  wakes: number
  pollMs: number | null
  pollTimer: NodeJS.Timeout | null
  dueTimer: NodeJS.Timeout | null
  /** Monotonic ms at which `dueTimer` fires. */
  dueMs: number
  /** Number of the turn that served it last. */
  servedAt: number
}

export interface LaneTurn {
  readonly lane: Lane
  readonly floor: Floor
  /** Tells what the claim returned. */
  settle(jobs: readonly ClaimedJob[], limit: number): void
  /** Tells that the claim failed: the lane stays ready. */
  fail(): void
}

export interface Lanes {
  /** The next lane that may hold due work: highest priority first, queues of one priority in turn. */
  next(): LaneTurn | null
  /** Takes in a look; returns ms until the earliest job that is due later, or null. */
  update(look: Look): number | null
  /** Takes in a hint. Returns false when the lane is not known: then only a look can tell. */
  wake(queue: string, priority: number | null, dueInMs: number | null): boolean
  wakeAll(): void
  clear(): void
}

const BEGINNING: Floor = { at: Number.NEGATIVE_INFINITY, id: '0' }

/** `onReady` is called when a timer makes a lane ready. */
export function createLanes(onReady: () => void): Lanes {
  const states = new Map<string, LaneState>()
  let order: LaneState[] = []
  let turn = 0

  const keyOf = (lane: Lane): string => `${lane.priority}|${lane.queue}`

  const stateOf = (lane: Lane): LaneState => {
    const key = keyOf(lane)
    let state = states.get(key)
    if (state === undefined) {
      state = {
        lane: { queue: lane.queue, priority: lane.priority },
        floor: BEGINNING,
        ready: false,
        wakes: 0,
        pollMs: null,
        pollTimer: null,
        dueTimer: null,
        dueMs: Number.POSITIVE_INFINITY,
        servedAt: 0,
      }
      states.set(key, state)
      order = [...states.values()].sort(
        (a, b) => b.lane.priority - a.lane.priority || (a.lane.queue < b.lane.queue ? -1 : 1),
      )
    }
    return state
  }

  const makeReady = (state: LaneState): void => {
    state.ready = true
    state.wakes += 1
  }

  const pollSoon = (state: LaneState): void => {
    if (state.pollMs === null || state.pollTimer !== null) return
    state.pollTimer = setTimeout(
      () => {
        state.pollTimer = null
        makeReady(state)
        onReady()
      },
      state.pollMs * (0.75 + Math.random() / 2),
    )
  }

  const wakeAt = (state: LaneState, inMs: number): void => {
    const dueMs = performance.now() + inMs
    // A hint for later must not take back one for sooner; the looks find what is due after the sooner one.
    if (dueMs >= state.dueMs || inMs > DUE_TIMER_MAX_MS) return
    if (state.dueTimer !== null) clearTimeout(state.dueTimer)
    state.dueMs = dueMs
    state.dueTimer = setTimeout(() => {
      state.dueTimer = null
      state.dueMs = Number.POSITIVE_INFINITY
      makeReady(state)
      onReady()
    }, inMs)
  }

  const settle = (state: LaneState, jobs: readonly ClaimedJob[], limit: number, wakes: number): void => {
    const last = jobs.at(-1)
    if (last !== undefined) {
      const now = last.scheduledAt + last.waitedSeconds
      const lagged = now - FLOOR_LAG_SECONDS
      const reached =
        last.scheduledAt < lagged ? { at: last.scheduledAt, id: last.id } : { at: lagged, id: '0' }
      if (isAfter(reached, state.floor)) state.floor = reached
      state.pollMs = HOT_POLL_MIN_MS
    } else if (state.pollMs !== null) {
      state.pollMs = state.pollMs >= HOT_POLL_MAX_MS ? null : state.pollMs * 2
    }
    if (jobs.length < limit && state.wakes === wakes) {
      state.ready = false
      pollSoon(state)
    }
  }

  return {
    next: () => {
      for (let at = 0; at < order.length; ) {
        const priority = order[at]?.lane.priority
        const end = order.findIndex((one, index) => index > at && one.lane.priority !== priority)
        const group = order.slice(at, end === -1 ? undefined : end)
        const state = longestUnserved(group)
        if (state !== undefined) {
          turn += 1
          state.servedAt = turn
          const { wakes } = state
          return {
            lane: state.lane,
            floor: state.floor,
            settle: (jobs, limit) => settle(state, jobs, limit, wakes),
            fail: () => makeReady(state),
          }
        }
        at += group.length
      }
      return null
    },
    update: (look) => {
      let next: number | null = null
      for (const view of look.lanes) {
        const state = stateOf(view)
        const lagged = look.now - FLOOR_LAG_SECONDS
        // Nothing is pending before the first one found, so claims may start there; it may also lie below the
        // floor, when a claim had passed it unseen.
        state.floor = { at: Math.min(view.firstDueAt ?? lagged, lagged), id: '0' }
        if (view.firstDueAt === null) continue
        const inMs = (view.firstDueAt - look.now) * 1000
        if (inMs <= 0) makeReady(state)
        else next = Math.min(next ?? inMs, inMs)
      }
      return next
    },
    wake: (queue, priority, dueInMs) => {
      let known = false
      for (const state of order) {
        if (state.lane.queue !== queue || (priority !== null && state.lane.priority !== priority)) continue
        known = true
        if (dueInMs !== null && dueInMs > 0) wakeAt(state, dueInMs)
        else makeReady(state)
      }
      return known
    },
    wakeAll: () => {
      for (const state of order) makeReady(state)
    },
    clear: () => {
      for (const state of order) {
        if (state.pollTimer !== null) clearTimeout(state.pollTimer)
        if (state.dueTimer !== null) clearTimeout(state.dueTimer)
      }
      states.clear()
      order = []
    },
  }
}

function longestUnserved(group: readonly LaneState[]): LaneState | undefined {
  let best: LaneState | undefined
  for (const state of group) {
    if (state.ready && (best === undefined || state.servedAt < best.servedAt)) best = state
  }
  return best
}

function isAfter(a: Floor, b: Floor): boolean {
  return a.at > b.at || (a.at === b.at && BigInt(a.id) > BigInt(b.id))
}
