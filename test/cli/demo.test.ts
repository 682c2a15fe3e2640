import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const LIMIT_MS = 150_000
const dataDir = join(tmpdir(), `rowbeat-demo-${randomBytes(6).toString('hex')}`)

afterEach(() => rm(dataDir, { recursive: true, force: true }))

function runDemo(): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, 'demo', '--once'], {
      env: { PATH: process.env.PATH ?? '', ROWBEAT_DATA_DIR: dataDir, PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
    })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, err }))
  })
}

describe('npm run demo -- --once', () => {
  it('audits the demo sites from nothing and ends with 0', { timeout: LIMIT_MS }, async () => {
    const { code, out, err } = await runDemo()
    expect({ code, out, err }).toMatchObject({ code: 0 })
    for (const step of [
      'Editorial Analysis',
      'Competitor Search',
      'Client Site Scraping',
      'Competitor Scraping',
      'Trend Pipeline',
    ]) {
      expect(out).toContain(`  ${step}: completed`)
    }
    expect(out).toMatch(/^Audit of atelier-velo\.test: completed in .* s$/m)
    expect(out).toContain('Site audit of https://atelier-velo.test\ncomplete · ')
    for (const section of ['Profile', 'Themes', 'Competitors', 'Trending topics', 'What to write next']) {
      expect(out).toMatch(new RegExp(`^${section}`, 'm'))
    }
    expect(out).toContain('  cyclo-fret.test')
    expect(err).not.toContain('fault of ours')
    expect(out).not.toContain('\u001b')
  })
})
