/**
 * `npm run check`: format and lint, types, and doors, side by side. Prints one line for each, the output of those
 * that failed, and exits with 1 when any did.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

interface Check {
  readonly title: string
  readonly program: string
  readonly args: readonly string[]
}

const CHECKS: readonly Check[] = [
  { title: 'format and lint', program: 'biome', args: ['ci', '--colors=off'] },
  { title: 'types', program: 'tsc', args: ['-p', '.'] },
  { title: 'doors', program: 'vitest', args: ['run', 'test/doors.test.ts'] },
]

const TIME_LIMIT_MS = 120_000
const OUTPUT_LIMIT = 200_000
const root = fileURLToPath(new URL('..', import.meta.url))

function runCheck(check: Check): Promise<boolean> {
  const start = performance.now()
  return new Promise((resolve) => {
    const child = spawn(
      fileURLToPath(new URL(`../node_modules/.bin/${check.program}`, import.meta.url)),
      [...check.args],
      {
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: TIME_LIMIT_MS,
        shell: process.platform === 'win32',
      },
    )
    let output = ''
    const collect = (chunk: Buffer): void => {
      if (output.length < OUTPUT_LIMIT) output += chunk.toString('utf8')
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    const finish = (passed: boolean): void => {
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      process.stdout.write(`${passed ? 'ok    ' : 'FAILED'} ${check.title} (${seconds} s)\n`)
      if (!passed) process.stdout.write(`${output.trim()}\n`)
      resolve(passed)
    }
    child.once('error', (error) => {
      output += error.message
      finish(false)
    })
    child.once('close', (code) => finish(code === 0))
  })
}

const results = await Promise.all(CHECKS.map(runCheck))
process.exitCode = results.every((passed) => passed) ? 0 : 1
