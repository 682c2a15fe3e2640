import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { parseOptions } from '../../../scripts/bench/options.ts'
import {
  figure,
  insertResults,
  RESULTS_BEGIN,
  RESULTS_END,
  renderResults,
} from '../../../scripts/bench/report.ts'
import type { Reading, Results } from '../../../scripts/bench/results.ts'
import { differences } from '../../../scripts/bench/scenarios/latency.ts'

function reading(system: string, round: number, value: number): Reading {
  return { scenario: 'drain', system, metric: 'jobs/s', round, value }
}

const RESULTS: Results = {
  startedAt: '2026-01-02T03:04:05.000Z',
  command: 'npm run bench -- --only drain',
  quick: false,
  rounds: 2,
  scenarios: ['drain', 'latency'],
  sizes: parseOptions([]).sizes,
  machine: {
    cpu: 'A Processor',
    cores: 2,
    memoryGiB: 8,
    platform: 'Linux 6',
    versions: { Postgres: '18.4' },
    settings: { fsync: 'on' },
  },
  systems: [{ name: 'rowbeat', configuration: 'as shipped', keeps: 'the row' }],
  readings: [
    reading('rowbeat', 1, 30_000),
    reading('rowbeat', 2, 40_000),
    reading('pg-boss', 1, 20_000),
    reading('pg-boss', 2, 40_000),
  ],
  notes: ['Something happened.', 'Something happened.'],
  skipped: ['A part was left out.'],
}

describe('the report', () => {
  const text = renderResults(RESULTS)

  it('says on what machine, with what settings and by what command', () => {
    for (const fact of [
      'A Processor, 2 cores, 8 GiB',
      'Postgres 18.4',
      'fsync=on',
      'npm run bench -- --only drain',
    ]) {
      expect(text).toContain(fact)
    }
  })

  it('gives median, spread and the median of the ratios of each round', () => {
    expect(text).toMatch(/\| jobs\/s +\| rowbeat +\| 35,000 \| 30,000–40,000 \|/)
    expect(text).toMatch(/\| jobs\/s +\| pg-boss +\| 30,000 \| 20,000–40,000 \| 1\.25/)
  })

  it('judges the bars, and says so where one could not be read', () => {
    expect(text).toMatch(/\| ≥ 1\.4 × pg-boss +\| 1\.25 .*MISS/)
    expect(text).toMatch(/\| ≥ 1\.8 × graphile-worker .*NOT READ/)
  })

  it('says what was left out and that a scenario has no reading', () => {
    expect(text).toContain('Left out:\n- A part was left out.')
    expect(text.match(/Something happened\./g)).toHaveLength(1)
    expect(text).toMatch(/### Pick-up latency.*\n\nNo reading\./)
  })

  it('warns that the numbers of a quick run mean nothing', () => {
    expect(text).not.toContain('--quick')
    expect(renderResults({ ...RESULTS, quick: true })).toContain('its numbers mean nothing')
  })

  it('is put between the two marks of the document, in place of what was there', () => {
    const document = `before\n${RESULTS_BEGIN}\nold\n${RESULTS_END}\nafter`
    expect(insertResults(document, 'new')).toBe(`before\n${RESULTS_BEGIN}\n\nnew\n${RESULTS_END}\nafter`)
    expect(() => insertResults('no marks', 'new')).toThrow('lacks the lines')
  })

  it('has its place in docs/benchmarks.md', async () => {
    const document = await readFile(new URL('../../../docs/benchmarks.md', import.meta.url), 'utf8')
    expect(insertResults(document, text)).toContain('A Processor')
  })
})

describe('figures', () => {
  it.each([
    [38_214.4, '38,214'],
    [1.2345, '1.23'],
    [0.1, '0.1'],
    [99.96, '100'],
  ])('%d reads %s', (value, text) => {
    expect(figure(value)).toBe(text)
  })
})

describe('latencies', () => {
  it('are taken per job, whatever order the times arrived in, and jobs without both times are left out', () => {
    const sent = [
      [1, 100],
      [2, 110],
      [3, 120],
    ] as const
    const begun = [
      [3, 125],
      [1, 101.5],
      [9, 1],
    ] as const
    expect(differences(sent, begun)).toEqual([1.5, 5])
  })
})
