import { describe, expect, it } from 'vitest'
import { parseOptions, SCENARIO_NAMES } from '../../../scripts/bench/options.ts'

describe('the options of the benchmark', () => {
  it('are all scenarios in five full rounds when nothing is said', () => {
    const options = parseOptions([])
    expect(options).toMatchObject({ rounds: 5, only: SCENARIO_NAMES, quick: false, json: null, render: null })
    expect(options.sizes).toMatchObject({
      drainJobs: 200_000,
      finishedRows: 10_000_000,
      futureRows: 1_000_000,
    })
  })

  it('are one small round with --quick', () => {
    const options = parseOptions(['--quick'])
    expect(options.rounds).toBe(1)
    expect(options.sizes.drainJobs).toBeLessThanOrEqual(10_000)
  })

  it('take numbers with underscores, and a chosen count over that of --quick', () => {
    const options = parseOptions(['--quick', '--finished', '2_000_000', '--jobs', '500', '--rounds', '7'])
    expect(options.sizes).toMatchObject({ finishedRows: 2_000_000, drainJobs: 500 })
    expect(options.rounds).toBe(7)
  })

  it('keep the order of a round whatever order the scenarios are named in', () => {
    expect(parseOptions(['--only', 'latency, drain']).only).toEqual(['drain', 'latency'])
  })

  it.each([
    [['--only', 'drain,speed'], 'there is no scenario "speed"'],
    [['--rounds', '0'], '--rounds must be a whole number from 1 to 100'],
    [['--rounds', 'many'], 'got "many"'],
    [['--finished', '1.5'], '--finished must be a whole number'],
    [['--fast'], '--fast'],
  ])('%j is refused: %s', (argv, message) => {
    expect(() => parseOptions(argv)).toThrow(message)
  })
})
