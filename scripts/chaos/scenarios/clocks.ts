/** Daemons whose clock is wrong. */
import { access } from 'node:fs/promises'
import { sleep } from '../clock.ts'
import type { Scenario } from '../scenario.ts'

const PLACES: readonly string[] = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/faketime/libfaketime.so.1',
  '/usr/local/lib/faketime/libfaketime.so.1',
]

/** Where libfaketime is: `given`, else in a usual place; null when it is not there. */
export async function findLibrary(given: string | null): Promise<string | null> {
  for (const path of given === null ? PLACES : [given]) {
    const found = await access(path).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return null
}

/**
 * Environment under which the clock is off by `by` seconds, for instance `+300`. The monotonic clock stays as it is,
 * as it does when somebody sets the clock of a machine.
 */
export function shifted(library: string, by: string): Readonly<Record<string, string>> {
  return {
    LD_PRELOAD: library,
    FAKETIME: by,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  }
}

/** `library` is libfaketime when it is in no usual place; null: look there. */
export function clockSkew(library: string | null): Scenario {
  return {
    name: 'clock-skew',
    guarantee:
      'Time is the clock of the database: a daemon that is five minutes off does nothing early, late or twice.',
    daemons: 1,
    load: { perSecond: 10, longShare: 0.1 },
    skewed: ['d2', 'd3'],
    cannotRun: async () =>
      (await findLibrary(library)) === null
        ? 'libfaketime is not installed (apt-get install libfaketime, or --faketime FILE)'
        : null,
    run: async (stage) => {
      const found = await findLibrary(library)
      if (found === null) throw new Error('libfaketime has gone')
      for (const by of ['+300', '-300']) {
        const daemon = await stage.startDaemon({ surroundings: shifted(found, by) })
        stage.fault(`the clock of ${daemon.name} is ${by} s off`)
      }
      while (stage.leftMs() > 0) await sleep(250)
    },
  }
}
