/** How often the engine does what, and how long it waits: one table, so that the figures can be seen together. */
import { BEAT_TTL_SECONDS } from '../store/pollers.ts'

export interface Timing {
  /** Between heartbeats. */
  readonly beatMs: number
  /** Age at which a beat counts as stopped; a poller that cannot beat drops its work at four fifths of it. */
  readonly beatTtlSeconds: number
  /** Rest between looks: shorter without LISTEN, since then they are all that finds new work. */
  readonly lookMs: number
  readonly lookListeningMs: number
  /** Between looks for jobs with a concurrency key while others keep the poller busy. */
  readonly lookForKeysMs: number
  /** Between the removals of leases that are settled or were lost on the way. */
  readonly leasesMs: number
  /** Between checks of time limits. */
  readonly sweepMs: number
  /** A check that comes later than this means that the event loop stood still, and is told. */
  readonly stallMs: number
  /** Between writes of progress and questions whether attempts are still ours. */
  readonly watchMs: number
  /** How long a handler gets to stop after its signal fired at its time limit. */
  readonly timeoutGraceMs: number
  /** How long running jobs get to finish when the poller is drained by SQL, before their signals fire. */
  readonly drainGraceMs: number
  /** How long handlers get to stop after their signal fired at shutdown. */
  readonly abortGraceMs: number
  /** How long each part of the farewell may wait for a database that may be gone. */
  readonly lastWordsMs: number
  /** Between passes of the upkeep, give or take a fifth. */
  readonly upkeepMs: number
}

export const TIMING: Timing = {
  beatMs: 3_000,
  beatTtlSeconds: BEAT_TTL_SECONDS,
  lookMs: 2_000,
  lookListeningMs: 5_000,
  lookForKeysMs: 700,
  leasesMs: 2_000,
  sweepMs: 250,
  stallMs: 2_000,
  watchMs: 1_000,
  timeoutGraceMs: 5_000,
  drainGraceMs: 30_000,
  abortGraceMs: 2_000,
  lastWordsMs: 2_000,
  upkeepMs: 4_000,
}
