/** The routes of the audit over an engine in memory, and requests to them. */
import { HTTPException } from 'hono/http-exception'
import type { ExecutionView } from '../../../src/workflows/audit/progress.ts'
import { type AuditRouteDeps, auditRoutes, type ProblemExtras } from '../../../src/workflows/audit/routes.ts'
import type { AuditTestDatabase } from './database.ts'
import { executionView, settings, stepView } from './fixtures.ts'

/** An execution beside that of the fixtures. */
export const OTHER_ID = '0195a2b3-0000-7000-8000-000000000002'

class Problem extends Error {
  readonly code: string
  readonly extras: ProblemExtras
  constructor(code: string, detail: string, extras: ProblemExtras = {}) {
    super(detail)
    this.code = code
    this.extras = extras
  }
}

const STATUS: Record<string, 400 | 403 | 404 | 409 | 422 | 429> = {
  VALIDATION_FAILED: 422,
  NOT_FOUND: 404,
  DOMAIN_UNRESOLVABLE: 400,
  AUDIT_RESTING: 409,
  CROSS_SITE_REFUSED: 403,
  TOO_MANY_AUDITS: 429,
}

interface Created {
  readonly subject: string
  readonly steps: readonly string[]
}

/**
 * The routes over an engine in memory: at most one live execution per subject, on top of `executions`. `created`
 * lists what requests started.
 */
export function openApp(
  database: AuditTestDatabase,
  over: Partial<AuditRouteDeps> = {},
  executions: ExecutionView[] = [],
) {
  const created: Created[] = []
  const deps: AuditRouteDeps = {
    db: database.db,
    outbound: { isMapped: (host) => host.endsWith('.test') },
    settings,
    createExecution: async (_workflow, input, { steps, admit }) => {
      const live = executions.find((one) => one.subject === input.domain && one.endTime === null)
      if (live !== undefined) return { executionId: live.executionId, created: false }
      admit(executions.filter((one) => one.endTime === null).map((one) => one.subject))
      const view = executionView(
        steps.map((step, at) => stepView(step, at + 1)),
        { subject: input.domain, status: 'pending', startTime: null },
      )
      executions.push(view)
      created.push({ subject: input.domain, steps })
      return { executionId: view.executionId, created: true }
    },
    readExecution: async (id) => executions.find((one) => one.executionId === id) ?? null,
    findLatestExecution: async (_workflow, subject) =>
      executions.findLast((one) => one.subject === subject) ?? null,
    findRecentRuns: async (_workflow, subject) =>
      executions
        .filter((one) => one.subject === subject && one.endTime !== null)
        .map((one) => ({
          executionId: one.executionId,
          status: one.status,
          endedAt: one.endTime?.getTime() ?? null,
          steps: one.steps.map((step) => step.step),
        })),
    readDurations: async () => new Map(),
    share: (_name, read) => read(),
    problem: (code, detail, extras) => new Problem(code, detail, extras),
    ...over,
  }
  const app = auditRoutes(deps)
  app.onError((error, c) => {
    if (error instanceof HTTPException) return error.getResponse()
    if (!(error instanceof Problem)) throw error
    const { code, extras } = error
    return c.json({ code, detail: error.message, errors: extras.errors }, STATUS[code] ?? 422, {
      ...extras.headers,
    })
  })
  return { app, created }
}

/** A POST, with a JSON body when one is given. */
export const post = (body?: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
  ...(body === undefined ? {} : { body: JSON.stringify(body) }),
})
