import { spawn } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  checkNode,
  ensureInstalled,
  type Installation,
  isInstalled,
  withLock,
} from '../../scripts/ensure-installed.mjs'

const script = fileURLToPath(new URL('../../scripts/ensure-installed.mjs', import.meta.url))
/** Above the highest process id that Linux gives. */
const DEAD_PID = 4_194_305

let root = ''
let installs = 0

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rowbeat-install-'))
  installs = 0
  await writeFile(
    join(root, 'package-lock.json'),
    JSON.stringify({ packages: { '': {}, 'node_modules/a': { version: '1.0.0' } } }),
  )
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

function install(): Installation {
  installs++
  return { ok: true, output: '' }
}

async function writeNode(text: string): Promise<void> {
  const file = join(root, 'node_modules', '.bin', 'node')
  await mkdir(join(root, 'node_modules', '.bin'), { recursive: true })
  await writeFile(file, text)
  await chmod(file, 0o755)
}

describe('ensureInstalled', () => {
  it('installs once, and again when the lock file has changed', async () => {
    expect(ensureInstalled(root, install)).toBe(true)
    expect(ensureInstalled(root, install)).toBe(false)
    await writeFile(join(root, 'package-lock.json'), '{"packages":{}}')
    expect(ensureInstalled(root, install)).toBe(true)
    expect(installs).toBe(2)
  })

  it('shows what npm said when it failed, and tries again the next time', () => {
    const fail = (): Installation => ({ ok: false, output: 'E404 no such package' })
    expect(() => ensureInstalled(root, fail)).toThrow(/E404 no such package[\s\S]*npm ci failed/)
    expect(ensureInstalled(root, install)).toBe(true)
  })

  it('accepts what npm installed by hand when it is the same, and only then', async () => {
    const list = join(root, 'node_modules', '.package-lock.json')
    await mkdir(join(root, 'node_modules'))
    await writeFile(list, JSON.stringify({ packages: { 'node_modules/a': { version: '0.9.0' } } }))
    expect(isInstalled(root)).toBe(false)
    await writeFile(list, JSON.stringify({ packages: {} }))
    expect(isInstalled(root)).toBe(false)
    await writeFile(list, JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } }))
    expect(isInstalled(root)).toBe(true)
  })

  it('names a lock file that is missing', async () => {
    await rm(join(root, 'package-lock.json'))
    expect(() => ensureInstalled(root, install)).toThrow(/package-lock\.json is missing/)
  })

  it('run twice at once installs once, and both runs go on', async () => {
    await mkdir(join(root, 'scripts'))
    await copyFile(script, join(root, 'scripts', 'ensure-installed.mjs'))
    const fakeNpm = join(root, 'npm.js')
    await writeFile(
      fakeNpm,
      `const fs = require('node:fs')
       fs.appendFileSync('${root}/installs', process.argv.slice(2).join(' ') + '\\n')
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150)
       fs.mkdirSync('${root}/node_modules/.bin', { recursive: true })
       fs.symlinkSync('${process.execPath}', '${root}/node_modules/.bin/node')`,
    )
    const run = (): Promise<{ code: number | null; output: string }> =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [join(root, 'scripts', 'ensure-installed.mjs')], {
          env: { ...process.env, npm_execpath: fakeNpm },
          stdio: ['ignore', 'pipe', 'pipe'],
        })
        let output = ''
        child.stderr.on('data', (chunk) => {
          output += String(chunk)
        })
        child.once('close', (code) => resolve({ code, output }))
      })
    const runs = await Promise.all([run(), run()])
    expect(runs.map((one) => one.code)).toEqual([0, 0])
    expect(await readFile(join(root, 'installs'), 'utf8')).toBe(
      'ci --include=dev --no-progress --loglevel=error\n',
    )
    expect(runs.map((one) => one.output).join('')).toBe('Installing packages from package-lock.json …\n')
  })
})

describe('withLock', () => {
  it('takes over the lock of a process that is gone', async () => {
    const lock = join(root, 'lock')
    await mkdir(lock)
    await writeFile(join(lock, 'pid'), String(DEAD_PID))
    expect(withLock(lock, () => 'done', 1_000)).toBe('done')
  })

  it('gives up with a clear error when a living process keeps it', async () => {
    const lock = join(root, 'lock')
    await mkdir(lock)
    await writeFile(join(lock, 'pid'), String(process.pid))
    expect(() => withLock(lock, () => 'done', 0)).toThrow(`process ${process.pid}`)
  })

  it('is free again after an error', () => {
    const lock = join(root, 'lock')
    const fail = (): never => {
      throw new Error('broken')
    }
    expect(() => withLock(lock, fail, 0)).toThrow('broken')
    expect(withLock(lock, () => 'done', 0)).toBe('done')
  })
})

describe('checkNode', () => {
  it('accepts the Node among the packages, and a new enough own one without it', async () => {
    expect(() => checkNode(root, '24.1.0')).not.toThrow()
    await mkdir(join(root, 'node_modules', '.bin'), { recursive: true })
    await symlink(process.execPath, join(root, 'node_modules', '.bin', 'node'))
    expect(() => checkNode(root, '20.0.0')).not.toThrow()
  })

  it('says what to do when install scripts were switched off', async () => {
    await mkdir(join(root, 'node_modules', '.bin'), { recursive: true })
    await symlink(join(root, 'nowhere'), join(root, 'node_modules', '.bin', 'node'))
    expect(() => checkNode(root, '20.0.0')).toThrow(
      /this is Node 20\.0\.0[\s\S]*npm rebuild --ignore-scripts=false/,
    )
  })

  it('names a Node that is too old, and one that does not run', async () => {
    await writeNode('#!/bin/sh\necho v22.1.0\n')
    expect(() => checkNode(root, '24.1.0')).toThrow(/is Node 22\.1\.0/)
    await writeNode('#!/nowhere\n')
    expect(() => checkNode(root, '24.1.0')).toThrow(/cannot run on this machine/)
  })
})
