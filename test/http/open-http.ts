/** The API over parts that always answer well. */
import { createHttp, type HttpDeps } from '../../src/http/app.ts'

/** The API with `over` in place of parts of it. */
export function openHttp(over: Partial<HttpDeps> = {}): ReturnType<typeof createHttp> {
  return createHttp({
    version: 'test',
    servedHosts: new Set(),
    health: {
      pingDatabase: async () => 1,
      missingMigrations: async () => [],
      newestMigration: '0001',
      isDraining: () => false,
      snapshot: () => null,
      overdueSchedules: async () => [],
      mappedHosts: [],
    },
    metrics: async () => 'metrics',
    observe: () => undefined,
    onError: () => undefined,
    errorsPage: '',
    workflowRoutes: [],
    ...over,
  })
}
