/** The site audit: what the app needs of it. */
export { type AuditRouteDeps, auditRoutes } from './routes.ts'
export {
  type AuditEnvironment,
  type AuditSettings,
  auditEnvironment,
  auditEnvironmentProblems,
  toAuditSettings,
} from './settings.ts'
export { AuditInput } from './steps/input.ts'
export { auditWorkflow } from './workflow.ts'
export { AUDIT_WORKFLOW } from './workflow-name.ts'
