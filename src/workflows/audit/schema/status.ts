/** Answers about an audit that is planned, runs, or ended. */
import { z } from '@hono/zod-openapi'
import { EXECUTION_STATUSES } from '../../../core/states.ts'

const time = z.iso.datetime()
const stepStatus = z.enum(['pending', 'running', 'completed', 'failed', 'skipped', 'cancelled'])
const percent = z.number().min(0).max(100)
const count = z.number().int().min(0)

export const DataStatusModel = z
  .object({
    has_profile: z.boolean(),
    has_competitors: z.boolean(),
    has_client_articles: z.boolean(),
    has_competitor_articles: z.boolean(),
    has_trend_pipeline: z.boolean(),
  })
  .openapi('DataStatus')

export const WorkflowStep = z
  .object({
    step: z.number().int().min(1).openapi({ description: 'Place among the steps of this run' }),
    name: z.string(),
    workflow_type: z.string(),
    status: stepStatus,
    execution_id: z.uuid().nullable(),
  })
  .openapi('WorkflowStep')
export type WorkflowStep = z.infer<typeof WorkflowStep>

export const PendingAuditResponse = z
  .object({
    status: z.literal('pending'),
    execution_id: z.uuid(),
    message: z.string(),
    workflow_steps: z.array(WorkflowStep),
    data_status: DataStatusModel,
    ignored: z.array(z.string()).default([]).openapi({
      description: 'Fields of the request that had no effect, because an audit that already ran was joined',
    }),
    status_url: z.string().openapi({ description: 'Where to follow it' }),
  })
  .openapi('PendingAuditResponse')
export type PendingAuditResponse = z.infer<typeof PendingAuditResponse>

export const ProgressDetail = z
  .object({
    done: z.number().min(0),
    total: z.number().min(0),
    unit: z.string(),
    message: z.string().nullable(),
  })
  .openapi('ProgressDetail')

export const WorkflowStepDetail = z
  .object({
    step: z.number().int().min(1).max(5).openapi({ description: 'Number of the step in the workflow, 1..5' }),
    name: z.string(),
    workflow_type: z.string(),
    status: stepStatus,
    execution_id: z.uuid().openapi({ description: 'The audit that the step belongs to' }),
    job_id: z.string().openapi({ description: 'Row of rowbeat.scheduled_jobs' }),
    start_time: time.nullable(),
    end_time: time.nullable(),
    duration_seconds: z.number().min(0).nullable(),
    attempt: count,
    max_attempts: count,
    next_retry_at: time.nullable(),
    error_message: z.string().nullable(),
    error_code: z.string().nullable(),
    skip_reason: z.string().nullable(),
    progress_percentage: percent,
    progress_detail: ProgressDetail.nullable(),
  })
  .openapi('WorkflowStepDetail')
export type WorkflowStepDetail = z.infer<typeof WorkflowStepDetail>

export const FailedWorkflowDetail = z
  .object({
    workflow: z.string(),
    error: z.string(),
    error_code: z.string(),
    retry_possible: z
      .boolean()
      .openapi({ description: 'True when another try may succeed without any change' }),
    suggested_action: z.string(),
    timestamp: time.nullable(),
    attempts: count,
  })
  .openapi('FailedWorkflowDetail')
export type FailedWorkflowDetail = z.infer<typeof FailedWorkflowDetail>

export const AuditEta = z
  .object({
    p50_at: time,
    p90_at: time,
    basis: z
      .string()
      .openapi({ description: 'How many past runs each estimate rests on', example: 'history n=37' }),
  })
  .openapi('AuditEta')

export const AuditStatusResponse = z
  .object({
    execution_id: z.uuid(),
    orchestrator_execution_id: z
      .uuid()
      .openapi({ deprecated: true, description: 'The same as execution_id' }),
    domain: z.string(),
    overall_status: z.enum(EXECUTION_STATUSES),
    overall_progress: percent,
    total_steps: count,
    completed_steps: count,
    failed_steps: count,
    running_steps: count,
    pending_steps: count,
    skipped_steps: count,
    cancelled_steps: count,
    workflow_steps: z.array(WorkflowStepDetail),
    start_time: time.nullable(),
    end_time: time.nullable(),
    estimated_completion_time: time.nullable(),
    eta: AuditEta.nullable(),
    estimate_basis: z.enum(['default', 'history']).nullable().openapi({
      description: 'Whether eta rests on past runs, or on guesses because there are none; null without eta',
    }),
    data_status: DataStatusModel,
    error_code: z.string().nullable(),
    error_message: z.string().nullable(),
    failed_workflow_details: z.array(FailedWorkflowDetail),
  })
  .openapi('AuditStatusResponse')
export type AuditStatusResponse = z.infer<typeof AuditStatusResponse>
