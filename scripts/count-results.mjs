/**
 * Sums up a run of `.ci/run`: arguments are the JSON report of vitest and the exit codes of the check and of the
 * tests. Prints `N passed, N failed` and exits with 1 when anything failed. Plain JavaScript for Node 18.
 */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Counts. A failure that is no failed test (a file that does not load, an error outside of tests, no report at
 * all) still counts as one, so that `0 failed` means that all is well.
 */
export function countResults(report, checkCode, testCode) {
  const passed = (report?.numPassedTests ?? 0) + (checkCode === 0 ? 1 : 0)
  const brokenFiles = (report?.testResults ?? []).filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length
  const failedTests = (report?.numFailedTests ?? 0) + brokenFiles
  const unexplained = failedTests === 0 && (testCode !== 0 || report === null) ? 1 : 0
  return { passed, failed: failedTests + unexplained + (checkCode === 0 ? 0 : 1) }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  const [file, checkCode, testCode] = process.argv.slice(2)
  const report = file !== undefined && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
  const { passed, failed } = countResults(report, Number(checkCode), Number(testCode))
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
  process.exitCode = failed === 0 ? 0 : 1
}
