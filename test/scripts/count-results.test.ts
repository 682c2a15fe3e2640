import { describe, expect, it } from 'vitest'
import { countResults, type Report } from '../../scripts/count-results.mjs'

function report(passed: number, failed: number, testResults: Report['testResults'] = []): Report {
  return { numPassedTests: passed, numFailedTests: failed, testResults }
}

describe('countResults', () => {
  it('counts the check as one test', () => {
    expect(countResults(report(10, 0), 0, 0)).toEqual({ passed: 11, failed: 0 })
    expect(countResults(report(10, 0), 1, 0)).toEqual({ passed: 10, failed: 1 })
  })

  it('counts a file that does not load as one failure', () => {
    const broken = { status: 'failed', assertionResults: [] }
    const failing = { status: 'failed', assertionResults: [{ status: 'failed' }] }
    expect(countResults(report(10, 1, [broken, failing]), 0, 1)).toEqual({ passed: 11, failed: 2 })
  })

  it('never says 0 failed when the tests ended with an error or left no report', () => {
    expect(countResults(report(10, 0), 0, 1)).toEqual({ passed: 11, failed: 1 })
    expect(countResults(null, 0, 0)).toEqual({ passed: 1, failed: 1 })
    expect(countResults(null, 1, 127)).toEqual({ passed: 0, failed: 2 })
  })
})
