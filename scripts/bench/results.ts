/** What a run found: readings, and everything needed to judge them. This is also the shape of the JSON. */
import type { ScenarioName, Sizes } from './options.ts'

export interface Reading {
  readonly scenario: ScenarioName
  /** Who was measured, for instance `rowbeat` or `pg-boss`. */
  readonly system: string
  /** What was measured; its unit is part of the name, for instance `jobs/s`. */
  readonly metric: string
  /** Counts from 1; ratios are taken within a round. */
  readonly round: number
  readonly value: number
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly platform: string
  /** Names and versions of everything measured and used. */
  readonly versions: Readonly<Record<string, string>>
  /** Server settings in effect. */
  readonly settings: Readonly<Record<string, string>>
}

export interface SystemFacts {
  readonly name: string
  /** How it was configured. */
  readonly configuration: string
  /** What is left of a finished job: row, fence, history. */
  readonly keeps: string
}

export interface Results {
  readonly startedAt: string
  readonly command: string
  readonly quick: boolean
  readonly rounds: number
  readonly scenarios: readonly ScenarioName[]
  readonly sizes: Sizes
  readonly machine: Machine
  readonly systems: readonly SystemFacts[]
  readonly readings: readonly Reading[]
  /** Sentences about what happened, for instance a time limit that was reached. */
  readonly notes: readonly string[]
  /** Sentences about what was left out, and why. */
  readonly skipped: readonly string[]
}
