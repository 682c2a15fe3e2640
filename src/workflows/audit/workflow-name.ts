/** Name of the audit: `workflow_type` of its executions. */
export const AUDIT_WORKFLOW = 'audit_orchestrator'
