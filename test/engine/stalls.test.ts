import { describe, expect, it } from 'vitest'
import { createStallMeter } from '../../src/engine/stalls.ts'
import { until } from '../support/wait.ts'
import { eventsOf, useEngines } from './harness.ts'

describe('a stall', () => {
  it('is a timer that comes late by the limit or more, and nothing else', () => {
    const late = createStallMeter(250, 2_000)
    expect([0, 250, 700, 2_949, 5_199, 5_450].map(late)).toEqual([null, null, null, null, 2_000, null])
  })
})

describe('a handler that computes on the main loop', () => {
  const engines = useEngines()

  it('is told of when the loop turns again', async () => {
    const run = (): undefined => {
      const endMs = performance.now() + 400
      while (performance.now() < endMs);
    }
    const started = await engines.start({ jobs: { burn: run }, timing: { stallMs: 200 } })
    await engines.add({ jobType: 'burn' })
    await engines.drained()
    await until(() => eventsOf(started, 'loop.stalled').length > 0, { timeoutMs: 2_000, what: 'the event' })
    expect(eventsOf(started, 'loop.stalled')[0]?.seconds).toBeGreaterThan(0.2)
  })
})
