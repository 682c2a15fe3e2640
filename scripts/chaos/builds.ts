/** Other versions of this program: one from its history, and one that is yet to come. */
import { spawn } from 'node:child_process'
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { runProgram } from '../../src/store/embedded/processes.ts'

const HERE = fileURLToPath(new URL('../../', import.meta.url))
/** What a daemon is made of. */
const PARTS = ['src', 'migrations', 'package.json'] as const
const ENGINE = ['src/engine', 'src/store', 'src/core', 'migrations'] as const
/** Commits looked at, newest first. */
const COMMITS_MAX = 500

/** A commit whose daemon is the version before this one. */
export interface Previous {
  readonly commit: string
  /** Numbered migrations that this version has and that one has not. */
  readonly missing: readonly string[]
}

/** Where this build is, as a `file:` URL that ends with a slash. */
export const HERE_URL = new URL('../../', import.meta.url).href

async function git(...args: readonly string[]): Promise<string | null> {
  const ended = await runProgram('git', ['-c', 'safe.directory=*', '-C', HERE, ...args], {
    timeoutMs: 20_000,
  })
  return ended.code === 0 ? ended.output.trim() : null
}

/**
 * The newest commit that lacks a migration of this version to the tables of the engine, and has the others as they
 * are; else the newest that lacks any; else the commit before the last change of the engine. Null when there is none.
 */
export async function findPrevious(): Promise<Previous | null> {
  const mine = await migrationsHere()
  const log = await git('log', `--max-count=${COMMITS_MAX}`, '--format=%H', '--', 'migrations')
  let lesser: Previous | null = null
  for (const changed of log?.split('\n') ?? []) {
    // What was there before this change of the migrations.
    const commit = await git('rev-parse', '--verify', `${changed}~1`)
    const missing = commit === null ? null : missingFrom(mine, await migrationsOf(commit))
    if (commit === null || missing === null || missing.length === 0 || !(await hasEngine(commit))) continue
    if (await touchesEngine(missing)) return { commit, missing }
    lesser ??= { commit, missing }
  }
  if (lesser !== null) return lesser
  const commit = await beforeLastChange()
  return commit === null ? null : { commit, missing: [] }
}

/** The tables that daemons write all the time. */
const ENGINE_TABLE =
  /alter table rowbeat\.(scheduled_jobs|workflow_executions|leases|pollers|queues|schedules)\b/

async function touchesEngine(names: readonly string[]): Promise<boolean> {
  const texts = await Promise.all(names.map((name) => readFile(join(HERE, 'migrations', name), 'utf8')))
  return texts.some((text) => ENGINE_TABLE.test(text))
}

/**
 * Names of `mine` that `theirs` lacks, when the others are the same and come first; null when they are not, for then
 * nothing leads from there to here. Both are hashes by name.
 */
export function missingFrom(
  mine: ReadonlyMap<string, string>,
  theirs: ReadonlyMap<string, string>,
): readonly string[] | null {
  const same = [...theirs].every(([name, hash]) => mine.get(name) === hash)
  const missing = [...mine.keys()].filter((name) => !theirs.has(name)).sort()
  const newest = [...theirs.keys()].sort().at(-1)
  if (!same || newest === undefined || missing.some((name) => name < newest)) return null
  return missing
}

const NUMBERED = /^\d{4}_\w+\.sql$/

async function migrationsHere(): Promise<Map<string, string>> {
  const names = (await readdir(join(HERE, 'migrations'))).filter((name) => NUMBERED.test(name)).sort()
  const hashes = await git('hash-object', ...names.map((name) => `migrations/${name}`))
  const lines = hashes?.split('\n') ?? []
  return new Map(names.map((name, at) => [name, lines[at] ?? '']))
}

async function migrationsOf(commit: string): Promise<Map<string, string>> {
  const tree = (await git('ls-tree', commit, 'migrations/')) ?? ''
  const found = new Map<string, string>()
  for (const line of tree.split('\n')) {
    const [, hash, name] = /^\d+ blob (\w+)\tmigrations\/(.+)$/.exec(line) ?? []
    if (hash !== undefined && name !== undefined && NUMBERED.test(name)) found.set(name, hash)
  }
  return found
}

async function hasEngine(commit: string): Promise<boolean> {
  return (await git('cat-file', '-e', `${commit}:src/engine/engine.ts`)) !== null
}

/** HEAD when the tree differs from it, else the parent of the last commit that changed the engine. */
async function beforeLastChange(): Promise<string | null> {
  const head = await git('rev-parse', 'HEAD')
  if (head === null) return null
  const changed = await git('status', '--porcelain', '--', ...ENGINE)
  if (changed !== null && changed !== '') return head
  const last = await git('rev-list', '--max-count=1', 'HEAD', '--', ...ENGINE)
  const before = last === null || last === '' ? null : await git('rev-parse', '--verify', `${last}~1`)
  return before !== null && (await hasEngine(before)) ? before : null
}

/** Unpacks a commit beside this checkout's packages; returns its root as a `file:` URL. */
export async function unpackCommit(commit: string, folder: string): Promise<string> {
  const root = join(folder, 'previous')
  await mkdir(root)
  await new Promise<void>((resolve, reject) => {
    const archive = spawn('git', ['-c', 'safe.directory=*', '-C', HERE, 'archive', commit, ...PARTS], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const tar = spawn('tar', ['-x', '-C', root], { stdio: [archive.stdout, 'inherit', 'inherit'] })
    archive.once('error', reject)
    tar.once('error', reject)
    tar.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`tar ended with ${code}`))))
  })
  await symlink(join(HERE, 'node_modules'), join(root, 'node_modules'))
  return `${pathToFileURL(root).href}/`
}

const NEXT_VERSION = '99.0.0'

/** Copies this build and adds migrations as a later version might bring them; returns its root as a `file:` URL. */
export async function makeNext(folder: string): Promise<string> {
  const root = join(folder, 'next')
  await mkdir(root)
  for (const part of PARTS) await cp(join(HERE, part), join(root, part), { recursive: true })
  await cp(fileURLToPath(new URL('next-migrations/', import.meta.url)), join(root, 'migrations'), {
    recursive: true,
  })
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, unknown>
  await writeFile(join(root, 'package.json'), JSON.stringify({ ...manifest, version: NEXT_VERSION }))
  await symlink(join(HERE, 'node_modules'), join(root, 'node_modules'))
  return `${pathToFileURL(root).href}/`
}
