/**
 * What a poller believes about each lane, a queue and priority: whether it may hold due work, and from where to
 * look. A lane is claimed from in up to three ways, each with beliefs of its own: jobs without a key in one plain
 * statement; those with a concurrency key in turns; those of a job type with a rate limit one type at a time. Where
 * limits hold or keys take turns the claim is a fair one (store/fair-claims.ts).
 * Beliefs may be stale; the regular look from the stored floor corrects them.
 */
import type { ClaimedJob, ClaimLane, Floor, Lane } from '../store/claims.ts'
import type { FairAnswer } from '../store/fair-claims.ts'
import type { LaneView, Look } from '../store/look.ts'

/** A row may commit a little later than its due time says; the floor stays this far behind the present. */
const FLOOR_LAG_SECONDS = 0.25
/** First and longest pause between polls of a lane where work was just seen, ms. */
const HOT_POLL_MIN_MS = 5
const HOT_POLL_MAX_MS = 400
/** Pause before the poll that follows a hint which led to nothing, ms. */
const HINTED_POLL_MS = 200
/** How long claims may find nothing where there is something, for others hold all slots, ms. */
const VAIN_MAX_MS = 1_000
/** Hints for later than this are left to the looks, which come every few seconds. */
const DUE_TIMER_MAX_MS = 60_000

interface LaneState {
  readonly lane: ClaimLane
  limited: boolean
  floor: Floor
  ready: boolean
  /** True when somebody said that it has work. */
  hinted: boolean
  /** True when the last look saw due work, and no claim has found any since. */
  seen: boolean
  /** Monotonic ms since when claims find no slot, or nothing although a look saw due work; null: not so. */
  vainMs: number | null
  /** Counts hints, so that one that arrives during a claim is not taken back by its result. */
  wakes: number
  pollMs: number | null
  pollTimer: NodeJS.Timeout | null
  dueTimer: NodeJS.Timeout | null
  /** Monotonic ms at which `dueTimer` fires. */
  dueMs: number
  /** Number of the turn that served it last. */
  servedAt: number
  /** The concurrency key whose turn was last. */
  afterKey: string | null
  /** True while a fair claim is under way: a second one would only wait for the first. */
  busy: boolean
  /** True when running jobs held the last claim back: it is ready again when one of the queue has been settled. */
  blocked: 'max_running' | 'max_per_key' | null
}

export interface LaneTurn {
  readonly lane: ClaimLane
  /** True when it takes a fair claim. */
  readonly fair: boolean
  /** True when somebody said that the lane has work: when none is found, it may be of a kind that is not known of. */
  readonly hinted: boolean
  /** True when it is to be claimed from though others do so, because they have done so for long. */
  readonly force: boolean
  /** True when that claim may have to wait for a lock. */
  readonly waits: boolean
  readonly floor: Floor
  /** Where a fair claim stops looking; null: at the present. */
  readonly until: Floor | null
  readonly afterKey: string | null
  /** Tells what a plain claim returned, and whether it found no slot because others claim. */
  settle(jobs: readonly ClaimedJob[], limit: number, crowded: boolean): void
  /** Tells what a fair claim returned. */
  settleFair(answer: FairAnswer): void
  /** Tells that the claim failed: the lane stays ready. */
  fail(): void
}

/** Of a job that has ended, what tells whose slot it has left. */
export type FreedJob = Pick<ClaimedJob, 'queue' | 'keyed'>

export interface Lanes {
  /** The next lane that may hold due work: highest priority first, queues of one priority in turn. */
  next(): LaneTurn | null
  /** Takes in a look; returns ms until the earliest job that is due later, or null. */
  update(look: Look): number | null
  /** Takes in a hint. Returns false when the lane is not known: then only a look can tell. */
  wake(queue: string, priority: number | null, dueInMs: number | null): boolean
  wakeAll(): void
  /**
   * Takes in that these jobs have ended: what the limits of their queues held back may now run. `except` is the lane
   * whose claim settled them, and so has seen it.
   */
  freed(jobs: readonly FreedJob[], except?: ClaimLane): void
  /** True when the lane is known to hold jobs that take a fair claim. */
  hasFair(lane: Lane): boolean
  clear(): void
}

const BEGINNING: Floor = { at: Number.NEGATIVE_INFINITY, id: '0' }

/** `onReady` is called when a timer makes a lane ready. */
export function createLanes(onReady: () => void): Lanes {
  const states = new Map<string, LaneState>()
  let order: LaneState[] = []
  let turn = 0

  const keyOf = ({ queue, priority, keyed, ratedType }: ClaimLane): string =>
    JSON.stringify([priority, queue, keyed, ratedType])

  const stateOf = (lane: ClaimLane): LaneState => {
    const key = keyOf(lane)
    let state = states.get(key)
    if (state === undefined) {
      state = newState(lane)
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

  /** Moves the floor on to the last of the jobs claimed, and polls more often after there were some. */
  const learn = (state: LaneState, jobs: readonly ClaimedJob[]): void => {
    const last = jobs.at(-1)
    if (last === undefined) {
      if (state.pollMs !== null) state.pollMs = state.pollMs >= HOT_POLL_MAX_MS ? null : state.pollMs * 2
      return
    }
    const lagged = last.scheduledAt + last.waitedSeconds - FLOOR_LAG_SECONDS
    const reached =
      last.scheduledAt < lagged ? { at: last.scheduledAt, id: last.id } : { at: lagged, id: '0' }
    if (isAfter(reached, state.floor)) state.floor = reached
    state.pollMs = HOT_POLL_MIN_MS
  }

  const rest = (state: LaneState, wakes: number): void => {
    if (state.wakes !== wakes) return
    state.ready = false
    pollSoon(state)
  }

  const settle = (
    state: LaneState,
    jobs: readonly ClaimedJob[],
    limit: number,
    {
      wakes,
      hinted,
      force,
      crowded,
    }: {
      readonly wakes: number
      readonly hinted: boolean
      readonly force: boolean
      readonly crowded: boolean
    },
  ): void => {
    const found = jobs.length > 0
    // What a forced claim does not find is not there any more: somebody else has taken it.
    if (found || force) state.seen = false
    state.vainMs = crowded || state.seen ? (state.vainMs ?? performance.now()) : null
    if (crowded) state.pollMs = HOT_POLL_MIN_MS
    // Nothing may also mean that others were claiming, perhaps jobs of other types.
    else if (!found && (hinted || state.seen)) state.pollMs = Math.max(state.pollMs ?? 0, HINTED_POLL_MS)
    else learn(state, jobs)
    if (jobs.length < limit) rest(state, wakes)
  }

  const settleFair = (state: LaneState, answer: FairAnswer, wakes: number): void => {
    state.busy = false
    state.afterKey = answer.afterKey
    learn(state, answer.claimed)
    state.blocked = answer.held === 'max_running' || answer.held === 'max_per_key' ? answer.held : null
    // What holds it back does not end by asking every few milliseconds.
    if (answer.held !== null) state.pollMs = null
    // A timer may fire a little early, and would ask in vain.
    if (answer.retrySeconds !== null) wakeAt(state, Math.ceil(answer.retrySeconds * 1000) + 1)
    if (!answer.more) rest(state, wakes)
  }

  /** Behind the first plain job there may be a long way to the next one of this type: it waits for that job anyway. */
  const untilOf = ({ lane }: LaneState): Floor | null => {
    if (lane.ratedType === null || lane.keyed) return null
    const plain = states.get(keyOf({ ...lane, ratedType: null }))
    return plain?.ready === true ? plain.floor : null
  }

  const turnOf = (state: LaneState): LaneTurn => {
    turn += 1
    state.servedAt = turn
    const { wakes, hinted } = state
    const fair = isFair(state)
    const force = state.vainMs !== null && performance.now() - state.vainMs > VAIN_MAX_MS
    state.busy = fair
    state.hinted = false
    return {
      lane: state.lane,
      fair,
      hinted,
      force,
      waits: state.limited || state.lane.ratedType !== null,
      floor: state.floor,
      until: untilOf(state),
      afterKey: state.afterKey,
      settle: (jobs, limit, crowded) => settle(state, jobs, limit, { wakes, hinted, force, crowded }),
      settleFair: (answer) => settleFair(state, answer, wakes),
      fail: () => {
        state.busy = false
        makeReady(state)
      },
    }
  }

  const take = (view: LaneView, now: number): number | null => {
    const state = stateOf(view)
    state.limited = view.limited
    const lagged = now - FLOOR_LAG_SECONDS
    // Nothing is pending before the first one found, so claims may start there; it may also lie below the
    // floor, when a claim had passed it unseen.
    state.floor = { at: Math.min(view.firstDueAt ?? lagged, lagged), id: '0' }
    state.seen = view.firstDueAt !== null && view.firstDueAt <= now
    if (state.seen) makeReady(state)
    const later = view.laterDueAt ?? view.firstDueAt
    return later === null || later <= now ? null : (later - now) * 1000
  }

  return {
    next: () => {
      for (let at = 0; at < order.length; ) {
        const priority = order[at]?.lane.priority
        const end = order.findIndex((one, index) => index > at && one.lane.priority !== priority)
        const group = order.slice(at, end === -1 ? undefined : end)
        const state = longestUnserved(group)
        if (state !== undefined) return turnOf(state)
        at += group.length
      }
      return null
    },
    update: (look) => {
      let next: number | null = null
      for (const view of look.lanes) {
        const inMs = take(view, look.now)
        if (inMs !== null) next = Math.min(next ?? inMs, inMs)
      }
      return next
    },
    wake: (queue, priority, dueInMs) => {
      let known = false
      for (const state of order) {
        if (state.lane.queue !== queue || (priority !== null && state.lane.priority !== priority)) continue
        known = true
        if (dueInMs !== null && dueInMs > 0) {
          wakeAt(state, dueInMs)
        } else {
          state.hinted = true
          makeReady(state)
        }
      }
      return known
    },
    wakeAll: () => {
      for (const state of order) makeReady(state)
    },
    freed: (jobs, except) => {
      for (const state of order) {
        // A claim that is under way may not have seen the slots yet.
        if (!(state.blocked !== null || (state.busy && state.limited)) || state.lane === except) continue
        const frees = (job: FreedJob): boolean =>
          job.queue === state.lane.queue && (job.keyed || state.blocked !== 'max_per_key')
        if (jobs.some(frees)) makeReady(state)
      }
    },
    hasFair: (lane) =>
      order.some(
        (state) => isFair(state) && state.lane.queue === lane.queue && state.lane.priority === lane.priority,
      ),
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

function newState({ queue, priority, keyed, ratedType }: ClaimLane): LaneState {
  return {
    lane: { queue, priority, keyed, ratedType },
    limited: false,
    floor: BEGINNING,
    ready: false,
    hinted: false,
    seen: false,
    vainMs: null,
    wakes: 0,
    pollMs: null,
    pollTimer: null,
    dueTimer: null,
    dueMs: Number.POSITIVE_INFINITY,
    servedAt: 0,
    afterKey: null,
    busy: false,
    blocked: null,
  }
}

function isFair({ lane, limited }: LaneState): boolean {
  return limited || lane.keyed || lane.ratedType !== null
}

function longestUnserved(group: readonly LaneState[]): LaneState | undefined {
  let best: LaneState | undefined
  for (const state of group) {
    if (!state.ready || state.busy) continue
    if (best === undefined || state.servedAt < best.servedAt) best = state
  }
  return best
}

function isAfter(a: Floor, b: Floor): boolean {
  return a.at > b.at || (a.at === b.at && BigInt(a.id) > BigInt(b.id))
}
