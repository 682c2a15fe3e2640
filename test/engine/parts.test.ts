/** The parts of the engine that decide by themselves: lanes, settler, loop, reasons to hold. */
import { describe, expect, it } from 'vitest'
import { toWrite } from '../../src/engine/attempt.ts'
import { createEvents, type EngineEvent } from '../../src/engine/events.ts'
import { createLanes } from '../../src/engine/lanes.ts'
import { createLoop } from '../../src/engine/loop.ts'
import { createSettler, type Ended } from '../../src/engine/settler.ts'
import { reasonToHold } from '../../src/engine/upkeep.ts'
import type { ClaimedJob } from '../../src/store/claims.ts'
import type { LaneView } from '../../src/store/look.ts'
import { until } from '../support/wait.ts'

const NOW = 1_700_000_000

function laneView(queue: string, priority = 0, firstDueAt: number | null = NOW - 1): LaneView {
  return { queue, priority, firstDueAt, limited: false, laterDueAt: null, keyed: false, ratedType: null }
}

function jobOf(more: Partial<ClaimedJob> = {}): ClaimedJob {
  return {
    id: '1',
    jobType: 'work',
    payload: {},
    attempt: 1,
    retryCount: 0,
    maxRetries: 3,
    executionId: null,
    timeoutSeconds: null,
    waitedSeconds: 1,
    secondsToDeadline: null,
    scheduledAt: NOW - 1,
    queue: 'a',
    keyed: false,
    leaseId: 'lease',
    ...more,
  }
}

describe('the lanes', () => {
  it('serve the highest priority first and the queues of one in turn, whatever else is empty', () => {
    const lanes = createLanes(() => undefined)
    const all = [laneView('top', 9, null), laneView('a'), laneView('b'), laneView('c', -1)]
    lanes.update({ now: NOW, lanes: all })
    const served = Array.from({ length: 6 }, () => lanes.next()?.lane.queue)
    expect(served).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
    lanes.wake('top', 9, null)
    expect(lanes.next()?.lane.queue).toBe('top')
    lanes.clear()
    expect(lanes.next()).toBeNull()
  })

  it('that are crowded are asked again soon, and in the end claimed from all the same', async () => {
    let ready = 0
    const lanes = createLanes(() => {
      ready += 1
    })
    lanes.update({ now: NOW, lanes: [laneView('a')] })
    const first = lanes.next()
    expect(first?.force).toBe(false)
    first?.settle([], 8, true)
    expect(lanes.next()).toBeNull()
    let forced = false
    await until(
      () => {
        const turn = lanes.next()
        turn?.settle([], 8, true)
        forced = turn?.force ?? forced
        return forced
      },
      { what: 'a turn that does not mind the others', everyMs: 5 },
    )
    expect(ready).toBeGreaterThan(1)
    lanes.clear()
  })

  it('whose due work a claim does not find are claimed from whoever else does, once', async () => {
    const lanes = createLanes(() => undefined)
    const view = { now: NOW, lanes: [laneView('a')] }
    lanes.update(view)
    // Claims alone do not learn whether others held all slots, or somebody took what there was.
    const forced = async (): Promise<void> => {
      await until(
        () => {
          const turn = lanes.next()
          turn?.settle([], 8, false)
          return turn?.force === true
        },
        { what: 'a turn that does not mind the others', everyMs: 5 },
      )
    }
    await forced()
    // That one found nothing either, so there is nothing: not before a look has seen some again.
    lanes.wake('a', 0, null)
    expect(lanes.next()?.force).toBe(false)
    lanes.update(view)
    await forced()
    lanes.clear()
  })

  it('rest after a claim that was not full, unless a hint came meanwhile', () => {
    const lanes = createLanes(() => undefined)
    lanes.update({ now: NOW, lanes: [laneView('a')] })
    const turn = lanes.next()
    lanes.wake('a', 0, null)
    turn?.settle([], 8, false)
    const again = lanes.next()
    expect(again?.lane.queue).toBe('a')
    again?.settle([], 8, false)
    expect(lanes.next()).toBeNull()
    again?.fail()
    expect(lanes.next()?.lane.queue).toBe('a')
    lanes.clear()
  })

  it('move the floor on with what was claimed, but never up to the present', () => {
    const lanes = createLanes(() => undefined)
    lanes.update({ now: NOW, lanes: [laneView('a')] })
    lanes.next()?.settle([jobOf({ id: '7', scheduledAt: NOW - 10, waitedSeconds: 10 })], 1, false)
    expect(lanes.next()?.floor).toEqual({ at: NOW - 1, id: '0' })
    lanes.next()?.settle([jobOf({ id: '8', scheduledAt: NOW - 0.5, waitedSeconds: 0.5 })], 1, false)
    expect(lanes.next()?.floor).toEqual({ at: NOW - 0.5, id: '8' })
    lanes.next()?.settle([jobOf({ id: '9', scheduledAt: NOW - 0.1, waitedSeconds: 0.1 })], 1, false)
    expect(lanes.next()?.floor).toEqual({ at: NOW - 0.25, id: '0' })
    lanes.update({ now: NOW + 1, lanes: [laneView('a', 0, NOW - 100)] })
    expect(lanes.next()?.floor).toEqual({ at: NOW - 100, id: '0' })
    lanes.clear()
  })

  it('tell when the next job is due, and keep the sooner of two hints', async () => {
    let ready = 0
    const lanes = createLanes(() => {
      ready += 1
    })
    expect(lanes.update({ now: NOW, lanes: [laneView('a', 0, NOW + 3), laneView('b', 0, NOW + 2)] })).toBe(
      2_000,
    )
    expect(lanes.update({ now: NOW, lanes: [laneView('a', 0, null)] })).toBeNull()
    expect(lanes.next()).toBeNull()
    expect(lanes.wake('a', 0, 20)).toBe(true)
    expect(lanes.wake('a', null, 50_000)).toBe(true)
    expect(lanes.wake('a', 0, 1e15)).toBe(true)
    expect(lanes.wake('unknown', 0, null)).toBe(false)
    await until(() => ready === 1, { what: 'the hint' })
    expect(lanes.next()?.lane.queue).toBe('a')
    lanes.clear()
  })
})

describe('the settler', () => {
  it('puts no job twice into one batch of plain completions', () => {
    const settler = createSettler()
    const [lost, other, again] = [
      endedOf(jobOf({ id: '1' })),
      endedOf(jobOf({ id: '2' })),
      endedOf(jobOf({ id: '1', leaseId: 'later' })),
    ]
    for (const one of [lost, other, again]) settler.add(one)
    expect(settler.takePlain()).toEqual([lost, other])
    expect(settler.takePlain()).toEqual([again])
  })

  const endedOf = (job: ClaimedJob, told: boolean[] = []): Ended => ({
    job,
    ending: null,
    onSettled: (effective) => told.push(effective),
    resent: false,
    replaced: false,
  })

  it('ends a lease once all its jobs are settled', () => {
    const settler = createSettler()
    settler.openLease('lease', 2)
    settler.add(endedOf(jobOf({ id: '1' })))
    const first = settler.takePlain()
    settler.settled(first, new Set(['1']))
    expect(settler.takeEndedLeases()).toEqual([])
    expect(settler.knowsLease('lease')).toBe(true)
    settler.settled([endedOf(jobOf({ id: '2' }))], new Set())
    expect(settler.takeEndedLeases()).toEqual(['lease'])
  })

  it('never ends a lease of dropped work, for its other jobs are taken back through it', () => {
    const settler = createSettler()
    settler.openLease('lease', 10)
    settler.add(endedOf(jobOf()))
    const underWay = settler.takePlain()
    settler.clear()
    settler.settled(underWay, new Set(['1']))
    expect(settler.takeEndedLeases()).toEqual([])
  })

  it('takes a settlement whose first answer was lost for effective', () => {
    const settler = createSettler()
    const told: boolean[] = []
    settler.openLease('lease', 1)
    settler.add(endedOf(jobOf(), told))
    settler.giveBack(settler.takePlain())
    expect(settler.size()).toBe(1)
    // Among the mixed ones: somebody may hold its row, and only their settlement goes around what is held.
    expect(settler.hasPlain()).toBe(false)
    settler.settled(settler.takeMixed(), new Set())
    expect(told).toEqual([true])
  })

  it('after a refusal takes one at a time, then more and more again', () => {
    const settler = createSettler()
    settler.openLease('lease', 100)
    for (let id = 0; id < 20; id++) settler.add(endedOf(jobOf({ id: String(id), executionId: 'e' })))
    settler.oneByOne()
    const sizes = Array.from({ length: 4 }, () => {
      const batch = settler.takeMixed()
      settler.settled(batch, new Set())
      return batch.length
    })
    expect(sizes).toEqual([1, 2, 4, 8])
  })
})

describe('a loop', () => {
  it('survives a failing pass, tells of it, and of the recovery', async () => {
    const seen: EngineEvent[] = []
    const events = createEvents((error) => {
      throw error
    })
    events.subscribe((event) => seen.push(event))
    let passes = 0
    const loop = createLoop({
      name: 'test',
      events,
      pass: async () => {
        passes += 1
        if (passes === 1) throw new Error('once')
        return 60_000
      },
    })
    loop.start()
    loop.start()
    await until(() => passes === 2, { what: 'the second pass' })
    await until(() => seen.length === 2, { what: 'the events' })
    expect(seen.map((event) => event.type)).toEqual(['service.failed', 'service.recovered'])
    loop.wake()
    await until(() => passes === 3, { what: 'the woken pass' })
    await loop.stop()
    await loop.stop()
    expect(passes).toBe(3)
  })

  it('that is woken during its pass runs once more at once', async () => {
    let passes = 0
    const loop = createLoop({
      name: 'test',
      events: createEvents(() => undefined),
      pass: async () => {
        passes += 1
        if (passes === 1) loop.wake()
        return 60_000
      },
    })
    loop.start()
    await until(() => passes === 2, { what: 'the second pass' })
    await loop.stop()
  })
})

describe('the bus', () => {
  it('is not stopped by a listener that throws', () => {
    const errors: unknown[] = []
    const events = createEvents((error) => errors.push(error))
    let told = 0
    events.subscribe(() => {
      throw new Error('bad listener')
    })
    const end = events.subscribe(() => {
      told += 1
    })
    events.emit({ type: 'poller.stopped', pollerId: 'p' })
    end()
    events.emit({ type: 'poller.stopped', pollerId: 'p' })
    expect(told).toBe(1)
    expect(errors).toHaveLength(2)
  })
})

describe('the reaper', () => {
  it.each([
    ['one of many is dead', { lapsed: 1, live: 3, serverUpSeconds: 999 }, 4, 0, null],
    ['the only other one is dead', { lapsed: 1, live: 1, serverUpSeconds: 999 }, 4, 0, null],
    ['a poller alone wakes from the dead', { lapsed: 1, live: 0, serverUpSeconds: 999 }, 4, 0, null],
    ['a minority is dead', { lapsed: 2, live: 3, serverUpSeconds: 999 }, 4, 0, null],
    ['most are dead at once', { lapsed: 2, live: 2, serverUpSeconds: 999 }, 4, 0, /many pollers/],
    ['most have been dead for long', { lapsed: 2, live: 1, serverUpSeconds: 999 }, 4, 11, null],
    ['the server has just started', { lapsed: 1, live: 3, serverUpSeconds: 3 }, 4, 99, /just started/],
    ['we could not ask for long', { lapsed: 1, live: 3, serverUpSeconds: 999 }, 11, 99, /out of reach/],
  ])('when %s: %j', (_what, found, sinceLast, lapsedFor, reason) => {
    const given = reasonToHold(found, sinceLast, lapsedFor)
    if (reason === null) expect(given).toBeNull()
    else expect(given).toMatch(reason)
  })
})

describe('a report of progress', () => {
  it.each([
    [{ done: 1, total: 4, unit: 'pages' }, 25, { done: 1, total: 4, unit: 'pages' }],
    [
      { done: 9, total: 4, unit: 'pages', message: 'm' },
      100,
      { done: 9, total: 4, unit: 'pages', message: 'm' },
    ],
    [{ done: 1, total: 0, unit: 'pages' }, 0, { done: 1, total: 0, unit: 'pages' }],
    [{ done: -1, total: -4, unit: 'pages' }, 0, { done: 0, total: 0, unit: 'pages' }],
    [{ done: Number.NaN, total: Number.POSITIVE_INFINITY, unit: 'x' }, 0, { done: 0, total: 0, unit: 'x' }],
  ])('%j is written as %i percent', (report, percent, detail) => {
    expect(toWrite(jobOf(), report)).toEqual({ id: '1', leaseId: 'lease', percent, detail })
  })
})
