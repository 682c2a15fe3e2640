/** What the embedded server needs to know and do about operating-system processes. */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

/** The account a program runs as; only root can choose one. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** How a program ended. `output` is standard output and error together, at most 64 KiB of each. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
  /** Set when the program could not be started at all. */
  readonly startError: NodeJS.ErrnoException | null
}

const OUTPUT_LIMIT = 64 * 1024

/**
 * The environment of every program started here. It is made, not inherited: PGDATA, PGPORT, LANG and the like
 * of the caller would change how Postgres starts and in which language it reports.
 */
export const PROGRAM_ENV: Readonly<Record<string, string>> = {
  LC_ALL: 'C',
  TZ: 'UTC',
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
}

/**
 * Runs a program to its end, without a shell and without input. Never throws: a program that cannot start is an
 * outcome too. Killed after `timeoutMs`.
 */
export function runProgram(
  file: string,
  args: readonly string[],
  options: { account?: Account | null; timeoutMs: number },
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(file, [...args], {
      ...identityOf(options.account ?? null),
      cwd: '/',
      env: PROGRAM_ENV,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
    })
    let output = ''
    const collect = (chunk: Buffer): void => {
      if (output.length < OUTPUT_LIMIT) output += chunk.toString('utf8')
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    child.once('error', (error) => resolve({ code: null, signal: null, output, startError: error }))
    child.once('close', (code, signal) => resolve({ code, signal, output, startError: null }))
  })
}

/** The part of spawn's options that makes a program run as `account`; empty for our own account. */
export function identityOf(account: Account | null): { uid?: number; gid?: number } {
  return account === null ? {} : { uid: account.uid, gid: account.gid }
}

/** True when a process with this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** True when the process runs; a zombie, which a container without a reaping init keeps for ever, does not. */
export async function isRunning(pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false
  const stat = await readStat(pid)
  return stat === null || stat[0] !== 'Z'
}

/**
 * A name for the process `pid` that another process with the same id will not have: on Linux the id with the
 * start time, elsewhere the id alone. Null when there is no such process.
 */
export async function identifyProcess(pid: number): Promise<string | null> {
  if (!isAlive(pid)) return null
  const startTime = await readStartTime(pid)
  return startTime === null ? String(pid) : `${pid} ${startTime}`
}

/** Start time in clock ticks since boot, field 22 of /proc/PID/stat; null where there is no /proc. */
async function readStartTime(pid: number): Promise<string | null> {
  return (await readStat(pid))?.[19] ?? null
}

/** /proc/PID/stat from field 3 on, counted from the end of field 2: that name may hold blanks and brackets. */
async function readStat(pid: number): Promise<readonly string[] | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** The command line of a process, arguments parted by blanks; null where the system does not tell. */
export async function commandLineOf(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null)
  return text === null ? null : text.replaceAll('\0', ' ').trim()
}

/**
 * Asks `condition` every `everyMs` until it is true; false when it was not within `timeoutMs`.
 */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  everyMs = 25,
): Promise<boolean> {
  const end = performance.now() + timeoutMs
  for (;;) {
    if (await condition()) return true
    if (performance.now() >= end) return false
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
