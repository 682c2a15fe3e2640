/** Every scenario, in the order of a run. */
import type { Scenario } from '../scenario.ts'
import { api } from './api.ts'
import { cancels } from './cancels.ts'
import { clockSkew } from './clocks.ts'
import { cron } from './cron.ts'
import { diskFull } from './disk.ts'
import { failover } from './failover.ts'
import { hostLost } from './hosts.ts'
import { creatorKilled, failpoints, killStorm, sigstop, sigterm } from './kills.ts'
import { limitsKept } from './limits.ts'
import { badNetwork, cutInCommit, halfOpen } from './network.ts'
import { handEdits, rowsHeld } from './operators.ts'
import { backendKilled, listenLost, restarts } from './outages.ts'
import { pooler } from './pooler.ts'
import { sleepInFlight } from './sleepers.ts'
import { usersCode } from './users-code.ts'
import { nextVersion, twoVersions } from './versions.ts'

/** `faketime` is where libfaketime is, when it is in no usual place. */
export function allScenarios(faketime: string | null): readonly Scenario[] {
  return [
    killStorm,
    failpoints,
    creatorKilled,
    sigstop,
    sleepInFlight,
    sigterm,
    restarts,
    backendKilled,
    listenLost,
    cutInCommit,
    halfOpen,
    badNetwork,
    hostLost,
    clockSkew(faketime),
    twoVersions,
    nextVersion,
    usersCode,
    handEdits,
    rowsHeld,
    limitsKept,
    cancels,
    cron(faketime),
    pooler,
    api,
    diskFull,
    failover,
  ]
}
