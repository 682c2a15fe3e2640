/** Creates executions as the API does, in a process of its own that may die around its COMMIT. */
import { connect, transaction } from '../../src/store/database.ts'
import { createExecution } from '../../src/store/executions.ts'
import { armFailpoints } from './failpoints.ts'
import { quietWalk } from './load.ts'
import type { CreatorTask, Report } from './messages.ts'
import { defineWork, loadCore } from './workload.ts'

const task = JSON.parse(process.argv[2] ?? '{}') as CreatorTask
const orphaned = (): void => process.exit(1)
process.on('disconnect', orphaned)
const connections = connect({ url: task.databaseUrl, max: 2, applicationName: 'chaos creator' })
armFailpoints(connections.pool, task.failpoints, () => process.kill(process.pid, 'SIGKILL'))
const { walk } = defineWork(await loadCore(task.root), null)
for (const subject of task.subjects) {
  const request = { workflow: walk, input: quietWalk(subject) }
  const { executionId } = task.inTransaction
    ? await transaction(connections.pool, (client) => createExecution(client, request))
    : await createExecution(connections.pool, request)
  const report: Report = { type: 'created', subject, executionId }
  process.send?.(report)
}
await connections.close()
process.off('disconnect', orphaned)
process.disconnect()
