/** The bars of the benchmark: which ratio of which readings must reach what. */
import type { ScenarioName } from './options.ts'
import type { Reading } from './results.ts'
import { type Spread, spreadOf } from './statistics.ts'

interface Measure {
  readonly scenario: ScenarioName
  readonly system: string
  readonly metric: string
}

export interface Bar {
  readonly scenario: ScenarioName
  readonly text: string
  readonly ours: Measure
  /** The yardstick; of several, the best one of the same round. Empty: the reading itself is compared. */
  readonly against: readonly Measure[]
  /** What is better: a larger or a smaller reading. */
  readonly better: 'larger' | 'smaller'
  /** Bound of the ratio (or the reading): at least this when larger is better, else at most this. */
  readonly bound: number
}

const rate = (scenario: ScenarioName, system: string): Measure => ({ scenario, system, metric: 'jobs/s' })
const measure = (scenario: ScenarioName, metric: string, system: string): Measure => ({
  scenario,
  system,
  metric,
})
const PEERS = ['pg-boss', 'graphile-worker'] as const

/** A share lost that is within what two equal runs differ by. */
const NOISE_BOUND = 0.95

export const BARS: readonly Bar[] = [
  atLeast('drain', '≥ 1.4 × pg-boss', rate('drain', 'rowbeat'), [rate('drain', 'pg-boss')], 1.4),
  atLeast(
    'drain',
    '≥ 1.8 × graphile-worker',
    rate('drain', 'rowbeat'),
    [rate('drain', 'graphile-worker')],
    1.8,
  ),
  atLeast('drain', '≥ 0.85 × the raw SQL cycle', rate('drain', 'rowbeat'), [rate('drain', 'raw SQL')], 0.85),
  atLeast(
    'snapshot',
    '≥ 0.85 × ours without the snapshot',
    rate('snapshot', 'rowbeat'),
    [rate('drain', 'rowbeat')],
    0.85,
  ),
  atLeast(
    'full-table',
    '≥ 0.9 × ours on an empty table',
    rate('full-table', 'rowbeat'),
    [rate('drain', 'rowbeat')],
    0.9,
  ),
  enqueueBar('single rows/s, with wake-up', PEERS),
  enqueueBar('single rows/s, without wake-up', ['pg-boss']),
  enqueueBar('rows/s in batches of 1,000', PEERS),
  latencyBar('p50 ms'),
  latencyBar('p99 ms'),
  atLeast(
    'workflows',
    '≥ 2 × pg-boss flow()',
    measure('workflows', 'workflows/s', 'rowbeat'),
    [measure('workflows', 'workflows/s', 'pg-boss')],
    2,
  ),
  atLeast(
    'workflows',
    '≥ 5 × DBOS Transact',
    measure('workflows', 'workflows/s', 'rowbeat'),
    [measure('workflows', 'workflows/s', 'dbos')],
    5,
  ),
  headBar('unknown type at the head'),
  headBar('key at its limit at the head'),
  ...[2, 4, 8].map((count) =>
    atLeast(
      'pollers',
      `${count} pollers: no loss (≥ ${NOISE_BOUND} × one, for noise)`,
      rate('pollers', `rowbeat × ${count}`),
      [rate('pollers', 'rowbeat × 1')],
      NOISE_BOUND,
    ),
  ),
  {
    scenario: 'idle',
    text: '8 idle pollers: < 10 queries/s in all',
    ours: measure('idle', 'queries/s', 'rowbeat × 8'),
    against: [],
    better: 'smaller',
    bound: 10,
  },
]

function atLeast(
  scenario: ScenarioName,
  text: string,
  ours: Measure,
  against: readonly Measure[],
  bound: number,
): Bar {
  return { scenario, text, ours, against, better: 'larger', bound }
}

function enqueueBar(metric: string, peers: readonly string[]): Bar {
  return atLeast(
    'enqueue',
    `${metric}: ≥ the better peer`,
    measure('enqueue', metric, 'rowbeat'),
    peers.map((peer) => measure('enqueue', metric, peer)),
    1,
  )
}

function latencyBar(metric: string): Bar {
  return {
    scenario: 'latency',
    text: `${metric}: ≤ the better peer`,
    ours: measure('latency', metric, 'rowbeat'),
    against: PEERS.map((peer) => measure('latency', metric, peer)),
    better: 'smaller',
    bound: 1,
  }
}

function headBar(metric: string): Bar {
  return atLeast(
    'blocked-head',
    `${metric}: ≥ 0.8 × ours without`,
    measure('blocked-head', `jobs/s, ${metric}`, 'rowbeat'),
    [measure('blocked-head', 'jobs/s, clear head', 'rowbeat')],
    0.8,
  )
}

export interface Verdict {
  readonly bar: Bar
  /** Ratios of the rounds in which everything needed was read; null when there is none. */
  readonly ratio: Spread | null
  readonly passed: boolean | null
}

/** Judges every bar by the median of its ratios within the same round. */
export function judge(readings: readonly Reading[], bars: readonly Bar[] = BARS): Verdict[] {
  return bars.map((bar) => {
    const ratios = ratiosOf(bar, readings)
    if (ratios.length === 0) return { bar, ratio: null, passed: null }
    const ratio = spreadOf(ratios)
    return {
      bar,
      ratio,
      passed: bar.better === 'larger' ? ratio.median >= bar.bound : ratio.median <= bar.bound,
    }
  })
}

function ratiosOf(bar: Bar, readings: readonly Reading[]): number[] {
  const rounds = [...new Set(readings.map((reading) => reading.round))].sort((a, b) => a - b)
  return rounds.flatMap((round) => {
    const ours = find(readings, bar.ours, round)
    if (ours === undefined) return []
    if (bar.against.length === 0) return [ours]
    const others = bar.against.flatMap((one) => find(readings, one, round) ?? [])
    if (others.length === 0) return []
    const best = bar.better === 'larger' ? Math.max(...others) : Math.min(...others)
    return best > 0 ? [ours / best] : []
  })
}

function find(readings: readonly Reading[], wanted: Measure, round: number): number | undefined {
  return readings.find(
    (one) =>
      one.round === round &&
      one.scenario === wanted.scenario &&
      one.system === wanted.system &&
      one.metric === wanted.metric,
  )?.value
}
