/** The systems by name. */
import { graphileWorker } from './graphile.ts'
import { pgBoss } from './pg-boss.ts'
import { raw } from './raw.ts'
import { rowbeat } from './rowbeat.ts'
import type { System } from './system.ts'

export const SYSTEMS: readonly System[] = [rowbeat, pgBoss, graphileWorker, raw]

export function systemNamed(name: string): System {
  const found = SYSTEMS.find((system) => system.name === name)
  if (found === undefined) throw new Error(`there is no system "${name}"`)
  return found
}
