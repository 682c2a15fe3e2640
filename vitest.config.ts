import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { hasOldServer } from './test/support/old-server.ts'
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

/** The oldest Postgres that is served, and what runs a second time on it: where plans and statements differ most. */
const OLDEST = 15
const ON_OLDEST = ['test/store/{limits,fair-claims,schedules}.test.ts', 'test/sql/doctor-cost.test.ts']
const hasOldest = hasOldServer(OLDEST)
if (!hasOldest)
  process.stderr.write(
    `No programs of Postgres ${OLDEST} on this machine: the tests run on the newest only\n`,
  )

const report = process.env.TEST_REPORT

const project = (
  name: string,
  provide: { readonly pooled: boolean; readonly oldServer: number | null },
  include: string[],
) => ({ extends: true as const, test: { name, provide, include } })

export default defineConfig({
  test: {
    projects: [
      project('direct', { pooled: false, oldServer: null }, ['test/**/*.test.ts']),
      ...(hasPgBouncer ? [project('pooled', { pooled: true, oldServer: null }, POOLED)] : []),
      ...(hasOldest ? [project(`postgres${OLDEST}`, { pooled: false, oldServer: OLDEST }, ON_OLDEST)] : []),
    ],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    sequence: { sequencer: ByPath },
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
})
