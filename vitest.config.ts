import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { findPgBouncer } from './test/support/pgbouncer.ts'

/** Files by path: the order does not depend on how long they took last time, so that a run can be repeated. */
class ByPath extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1))
  }
}

/** What runs a second time through PgBouncer in transaction mode, when that is installed. */
const POOLED = [
  'test/engine/*.test.ts',
  'test/store/zz-probe.test.ts',
  'test/store/{claims,settlements,executions,floors,pollers,schedules,schedule-firing}.test.ts',
]
const hasPgBouncer = findPgBouncer() !== null
if (!hasPgBouncer)
  process.stderr.write('No pgbouncer on this machine: the tests of the engine run without a pooler only\n')

const report = process.env.TEST_REPORT

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'direct', provide: { pooled: false }, include: ['test/**/*.test.ts'] } },
      ...(hasPgBouncer
        ? [{ extends: true as const, test: { name: 'pooled', provide: { pooled: true }, include: POOLED } }]
        : []),
    ],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    sequence: { sequencer: ByPath },
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
})
