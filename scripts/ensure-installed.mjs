/**
 * Installs the packages of package-lock.json when they are missing or others, then checks that Node 24 is there.
 * Runs as the `pre` step of the npm scripts, under whatever Node started npm (18 or newer), hence plain
 * JavaScript without packages. Prints at most one line when all is well. Two runs at once take turns.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const NODE_MAJOR = 24
const LOCK_WAIT_MS = 10 * 60_000
const UNSIGNED_LOCK_MS = 10_000

/** An error whose message is all that a person needs to see. */
class Complaint extends Error {}

/**
 * True when node_modules holds what package-lock.json says: by the hash that the last installation left, or, after
 * an `npm install` by hand, by npm's own list.
 */
export function isInstalled(root) {
  const marker = markerOf(root)
  const hash = hashOf(root)
  if (existsSync(marker) && readFileSync(marker, 'utf8').trim() === hash) return true
  if (!holdsLockedPackages(root)) return false
  writeFileSync(marker, `${hash}\n`)
  return true
}

function markerOf(root) {
  return join(root, 'node_modules', '.rowbeat-lock-hash')
}

/** Compares npm's list of what it installed, written at the very end, with the lock file. */
function holdsLockedPackages(root) {
  const list = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(list)) return false
  const installed = packagesOf(list)
  const locked = packagesOf(join(root, 'package-lock.json'))
  const isSame = ([path, { version, integrity }]) =>
    locked[path]?.version === version && locked[path]?.integrity === integrity
  const isThere = ([path, entry]) => path === '' || entry.optional || entry.peer || path in installed
  return Object.entries(installed).every(isSame) && Object.entries(locked).every(isThere)
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {}
  } catch (error) {
    throw new Complaint(`${file} cannot be read (${error.message}): get it back from git, or run "npm ci".`)
  }
}

function hashOf(root) {
  const lock = join(root, 'package-lock.json')
  if (!existsSync(lock)) throw new Complaint(`package-lock.json is missing in ${root}: get it back from git.`)
  return createHash('sha256').update(readFileSync(lock)).digest('hex')
}

/**
 * Installs when needed. `install(root)` does it and returns what it printed and whether it went well; tests hand
 * in their own. Returns true when it installed.
 */
export function ensureInstalled(root, install = runNpm) {
  if (isInstalled(root)) return false
  return withLock(join(root, '.rowbeat-install-lock'), () => {
    // Another run may have installed while we waited for its lock.
    if (isInstalled(root)) return false
    const hash = hashOf(root)
    const { ok, output } = install(root)
    if (!ok) throw new Complaint(`${firstLines(output)}\nnpm ci failed: the lines above say why.`)
    mkdirSync(join(root, 'node_modules'), { recursive: true })
    writeFileSync(markerOf(root), `${hash}\n`)
    return true
  })
}

/** npm prints its whole manual after an error; the reason comes first. */
function firstLines(output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && line.trim() !== 'npm error')
  return lines.length > 24 ? [...lines.slice(0, 24), '…'].join('\n') : lines.join('\n')
}

function runNpm(root) {
  process.stderr.write('Installing packages from package-lock.json …\n')
  // npm tells its scripts where it is itself; so the same npm is used, also where none is on the PATH.
  const npm = process.env.npm_execpath
  const [file, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  // --include=dev: Node 24 itself comes as a development package, also where NODE_ENV says production.
  const options = {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32',
  }
  const ended = spawnSync(
    file,
    [...args, 'ci', '--include=dev', '--no-progress', '--loglevel=error'],
    options,
  )
  if (ended.error) return { ok: false, output: `npm could not be started: ${ended.error.message}` }
  return { ok: ended.status === 0, output: `${ended.stdout}${ended.stderr}` }
}

/**
 * Runs `work` while holding the lock directory `path`, which names its owner's process id. A lock whose owner is
 * gone is taken over; one that stays held for ten minutes is an error.
 */
export function withLock(path, work, waitMs = LOCK_WAIT_MS) {
  const end = Date.now() + waitMs
  while (!take(path)) {
    const owner = ownerOf(path)
    if (owner.gone) {
      discard(path)
      continue
    }
    if (Date.now() >= end) {
      throw new Complaint(
        `Another installation (process ${owner.pid}) does not end: if there is none, remove ${path}.`,
      )
    }
    sleep(200)
  }
  try {
    return work()
  } finally {
    rmSync(path, { recursive: true, force: true })
  }
}

function take(path) {
  try {
    mkdirSync(path)
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw new Complaint(`Packages cannot be installed: ${error.message}.`)
  }
  writeFileSync(join(path, 'pid'), String(process.pid))
  return true
}

/** Who holds the lock. A lock without a name is being made, or its maker died at once. */
function ownerOf(path) {
  try {
    const pid = Number(readFileSync(join(path, 'pid'), 'utf8'))
    if (Number.isInteger(pid) && pid > 0) return { pid, gone: !isAlive(pid) }
    return { pid: 0, gone: Date.now() - statSync(path).mtimeMs > UNSIGNED_LOCK_MS }
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs
    return { pid: 0, gone: made !== undefined && Date.now() - made > UNSIGNED_LOCK_MS }
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** By renaming first: of several that find the same dead lock only one gets it. */
function discard(path) {
  const away = `${path}.${process.pid}`
  try {
    renameSync(path, away)
  } catch (error) {
    if (error.code === 'ENOENT') return
    throw error
  }
  rmSync(away, { recursive: true, force: true })
}

function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/**
 * Throws unless npm scripts will find a Node of at least version 24: the one among the packages, or, where that
 * is missing, the one that runs this.
 */
export function checkNode(root, ownVersion = process.versions.node) {
  const file = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
  const isOwnEnough = majorOf(ownVersion) >= NODE_MAJOR
  if (!existsSync(file)) {
    if (isOwnEnough) return
    throw new Complaint(
      `Rowbeat needs Node ${NODE_MAJOR}; this is Node ${ownVersion}, and the npm package "node" that brings the right one is not complete.\n` +
        'It is made by install scripts: if npm is set to ignore-scripts, run\n' +
        '  npm rebuild --ignore-scripts=false node\n' +
        `If there is no Node of it for ${process.platform}-${process.arch}, install Node ${NODE_MAJOR} from https://nodejs.org.`,
    )
  }
  const version = versionOf(file)
  if (majorOf(version) < NODE_MAJOR) {
    throw new Complaint(
      `node_modules/.bin/node is Node ${version}, but Rowbeat needs ${NODE_MAJOR}: run "npm ci".`,
    )
  }
}

function versionOf(file) {
  try {
    const options = { encoding: 'utf8', timeout: 20_000, shell: process.platform === 'win32' }
    return execFileSync(file, ['--version'], options).trim().replace(/^v/, '')
  } catch (error) {
    throw new Complaint(
      `The Node of node_modules/.bin cannot run on this machine (${String(error.message).split('\n')[0]}): install Node ${NODE_MAJOR} from https://nodejs.org and remove node_modules/.bin/node.`,
    )
  }
}

function majorOf(version) {
  return Number.parseInt(version, 10) || 0
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  try {
    ensureInstalled(root)
    checkNode(root)
  } catch (error) {
    if (!(error instanceof Complaint)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
