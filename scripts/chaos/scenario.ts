/** What a scenario is, and what it is handed. */
import type { Daemon, Surroundings } from './daemons.ts'
import type { Failpoint } from './failpoints.ts'
import type { History } from './history.ts'
import type { Effect } from './ledger.ts'
import type { Load } from './load.ts'
import type { Random } from './random.ts'
import type { ChaosServer } from './server.ts'

/** A database server as scenarios see it; one that is not ours to start again is only crashed once. */
export type Target = Pick<ChaosServer, 'url' | 'port' | 'pid' | 'isUp' | 'crash' | 'start'>

export interface DaemonOptions {
  /** Where it connects instead of straight to the server: a port of loopback. */
  readonly port?: number
  readonly listenPort?: number
  /** False: polls only. */
  readonly listens?: boolean
  readonly failpoints?: readonly Failpoint[]
  readonly surroundings?: Surroundings
  /** True: runs the code of careless users too. */
  readonly culprits?: boolean
  /** Build to run; the one under test when undefined. */
  readonly root?: string
}

/** One row that breaks a promise. */
export interface Problem {
  readonly check: string
  readonly row: string
}

/** Thrown by a scenario that finds out late that it cannot run here. */
export class NotHere extends Error {}

export interface Stage {
  readonly random: Random
  /** Seconds of faults. */
  readonly seconds: number
  readonly server: Target
  /** Database under test, straight at the server. */
  readonly url: string
  readonly load: Load
  readonly daemons: readonly Daemon[]
  /** Starts a daemon and waits until it works; starts it again when the database was away. */
  startDaemon(options?: DaemonOptions): Promise<Daemon>
  /** Notes a fault with its time. */
  fault(text: string): void
  /** Notes something to be printed beside the verdict. */
  fact(text: string): void
  /** Notes that an invariant is broken which only the scenario can see. */
  problem(check: string, row: string): void
  /** Milliseconds of faults that are left. */
  leftMs(): number
  /** Closes or removes something when the scenario is over, whatever happened. */
  onEnd(work: () => Promise<void>): void
}

/** What there is to see after all has ended. */
export interface Inspection {
  readonly stage: Stage
  readonly history: History
  readonly effects: readonly Effect[]
}

export interface Scenario {
  readonly name: string
  /** What is promised, in one sentence. */
  readonly guarantee: string
  /** Daemons that are started before the faults begin; default 3. */
  readonly daemons?: number
  readonly load?: { readonly perSecond?: number; readonly longShare?: number }
  /** True when the database loses what it has not written: claims may be made again. */
  readonly crashesServer?: boolean
  /** Names of daemons whose clock is wrong. */
  readonly skewed?: readonly string[]
  /** Why it cannot run here; null when it can. */
  cannotRun?(): Promise<string | null>
  /** A server of its own instead of the common one. */
  ownServer?(log: (line: string) => void): Promise<ChaosServer>
  /** Where the daemons connect; the server itself by default. */
  prepare?(stage: Stage): Promise<DaemonOptions>
  /** Brings the database to its shape; the migrations of this build by default. */
  migrate?(url: string, stage: Pick<Stage, 'fact' | 'onEnd'>): Promise<void>
  /** Does its worst, and returns when all is healed. Throws {@link NotHere} when this build lacks what it is about. */
  run(stage: Stage): Promise<void>
  /** Checks of its own after all has ended; the database can still be asked. */
  inspect?(found: Inspection): readonly Problem[] | Promise<readonly Problem[]>
}
