import { describe, expect, it } from 'vitest'
import { parseOptions } from '../../scripts/chaos/options.ts'

const KNOWN = ['kill-storm', 'sigstop']
const parse = (...argv: string[]) => parseOptions(argv, KNOWN, 99)

describe('the options of chaos', () => {
  it('run everything with the drawn seed when nothing is said', () => {
    expect(parse()).toEqual({ seed: 99, only: [], seconds: 30, json: null, faketime: null, quiet: false })
  })

  it('take a seed, seconds, and scenarios parted by commas or given again', () => {
    expect(parse('--seed', '7', '--seconds', '5', '--scenario', 'sigstop,kill-storm')).toMatchObject({
      seed: 7,
      seconds: 5,
      only: ['sigstop', 'kill-storm'],
    })
    expect(parse('--scenario', 'sigstop', '--scenario', 'kill-storm').only).toHaveLength(2)
  })

  it('name the scenarios there are when one is unknown', () => {
    expect(() => parse('--scenario', 'flood')).toThrow(
      'there is no scenario "flood": choose from kill-storm, sigstop',
    )
  })

  it('refuse numbers that make no sense', () => {
    expect(() => parse('--seed', 'x')).toThrow('--seed must be a whole number')
    expect(() => parse('--seconds', '0')).toThrow('from 1 to 3600')
    expect(() => parse('--seconds', '')).toThrow('whole number')
    expect(() => parse('--unknown')).toThrow('--unknown')
  })
})
