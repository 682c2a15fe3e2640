/** The part of vitest's JSON report that is read. */
export interface Report {
  numPassedTests: number
  numFailedTests: number
  testResults: { status: string; assertionResults: { status: string }[] }[]
}
export function countResults(
  report: Report | null,
  checkCode: number,
  testCode: number,
): { passed: number; failed: number }
