/** The disk of the database is full. */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '../../../src/store/embedded/processes.ts'
import { sleep } from '../clock.ts'
import type { Scenario } from '../scenario.ts'
import { type ChaosServer, startServer } from '../server.ts'

const SIZE = '220m'
const SETTINGS = { max_wal_size: '64MB', min_wal_size: '32MB' }
const BLOCK = Buffer.alloc(1024 * 1024)

/** Mounts a small file system; throws where that is not allowed. */
async function mountSmall(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'rowbeat-chaos-disk-'))
  const ended = await runProgram('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=0777`, 'tmpfs', path], {
    timeoutMs: 10_000,
  })
  if (ended.code === 0) return path
  await rm(path, { recursive: true, force: true })
  throw new Error(ended.startError?.message ?? ended.output.trim())
}

async function unmount(path: string): Promise<void> {
  await runProgram('umount', ['-l', path], { timeoutMs: 10_000 })
  await rm(path, { recursive: true, force: true })
}

/** Writes until nothing fits any more. */
async function fill(path: string): Promise<number> {
  const file = await open(path, 'w')
  let megabytes = 0
  try {
    for (; megabytes < 4_096; megabytes++) await file.write(BLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    await file.close()
  }
  return megabytes
}

/** Where the disk of a server is mounted. */
const disks = new WeakMap<object, string>()

async function serverOnSmallDisk(log: (line: string) => void): Promise<ChaosServer> {
  const path = await mountSmall()
  try {
    const server = await startServer(log, { parent: path, settings: SETTINGS })
    const stop = async (): Promise<void> => {
      await server.stop()
      await unmount(path)
    }
    const onDisk = { ...server, stop }
    disks.set(onDisk, path)
    return onDisk
  } catch (error) {
    await unmount(path)
    throw error
  }
}

export const diskFull: Scenario = {
  name: 'disk-full',
  guarantee: 'A full disk stops work without losing any; once there is room again it goes on.',
  crashesServer: true,
  load: { perSecond: 15 },
  ownServer: serverOnSmallDisk,
  cannotRun: async () => {
    if (process.platform !== 'linux') return 'a small tmpfs can be mounted on Linux only'
    try {
      await unmount(await mountSmall())
      return null
    } catch (error) {
      return `a small tmpfs cannot be mounted (${error instanceof Error ? error.message : String(error)})`
    }
  },
  run: async (stage) => {
    const path = disks.get(stage.server)
    if (path === undefined) throw new Error('the server has no disk of its own')
    const filler = join(path, 'filler')
    do {
      const megabytes = await fill(filler)
      stage.fault(`the disk is full (${megabytes} MiB of filler)`)
      await sleep(stage.random.int(3_000, 8_000))
      const survived = await stage.server.isUp()
      await rm(filler, { force: true })
      stage.fault(`there is room again; Postgres ${survived ? 'runs' : 'had to give up'}`)
      if (!survived) await stage.server.start()
      await sleep(stage.random.int(2_000, 5_000))
    } while (stage.leftMs() > 0)
    if (!(await stage.server.isUp())) await stage.server.start()
  },
}
