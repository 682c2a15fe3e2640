/**
 * What a workflow is: a name, an input, a subject that may have one live run, and steps with an order. Plain
 * values, checked when defined, so that a wrong workflow stops the boot and not a night.
 */
import type { JobContext } from './ports.ts'
import { DEFAULT_RETRY, maxRetries, RETRY_WAIT_MAX_SECONDS, type RetryPolicy } from './retry.ts'

/** Anything with zod's `parse`: returns the input with its type, or throws. */
export interface InputSchema<Input> {
  parse(value: unknown): Input
}

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined }

/** A handler's result is stored as the job's `result`; nothing is stored for `undefined`. */
export type Handler<Input> = (
  context: JobContext<Input>,
) => Promise<JsonValue | undefined> | JsonValue | undefined

export interface JobOptions<Input> {
  /** Seconds that one attempt may take; default 300. */
  readonly timeout?: number
  readonly retry?: RetryPolicy
  readonly queue?: string
  /** Higher runs first; default 0, −100..100. */
  readonly priority?: number
  readonly run: Handler<Input>
}

export interface StepOptions<Input> extends JobOptions<Input> {
  readonly title: string
  /** When true, its failure fails the execution and cancels the steps that have not run. */
  readonly critical?: boolean
  /** Steps that must have ended before this one runs, whatever their outcome. */
  readonly after?: readonly string[]
  /** Steps that must have completed; when one did not, this step is skipped. */
  readonly needs?: readonly string[]
  /** Seconds it usually takes, for progress and ETA until there is history; default 60. */
  readonly estimate?: number
}

export interface JobDefinition<Input = unknown> {
  readonly jobType: string
  readonly input: InputSchema<Input>
  readonly timeout: number
  readonly retry: RetryPolicy
  readonly queue: string
  readonly priority: number
  readonly run: Handler<Input>
}

export interface StepDefinition<Input = unknown> extends JobDefinition<Input> {
  readonly title: string
  readonly critical: boolean
  readonly after: readonly string[]
  readonly needs: readonly string[]
  readonly estimate: number
  /** 1 for the first in the order of definition. */
  readonly index: number
}

export interface WorkflowDefinition<Input = unknown> {
  readonly name: string
  readonly input: InputSchema<Input>
  readonly subject: (input: Input) => string
  /** Seconds from creation after which the execution is ended with its steps. */
  readonly maxDuration: number
  readonly steps: readonly StepDefinition<Input>[]
}

/** A name that is safe in SQL, logs, metrics and URLs. */
export const NAME = /^[a-z][a-z0-9_]{0,62}$/

/** Declares a step; read it through {@link defineWorkflow}. */
export function step<Input>(options: StepOptions<Input>): StepOptions<Input> {
  return options
}

/**
 * Defines a job type of its own, outside of a workflow.
 * Throws when the name is not `[a-z][a-z0-9_]*` or a number or the queue's name is out of its range.
 */
export function defineJob<Input>(
  options: JobOptions<Input> & { readonly jobType: string; readonly input: InputSchema<Input> },
): JobDefinition<Input> {
  return complete(options.jobType, options.input, options)
}

/**
 * Defines a workflow. Step names are job types; steps become rows in the order they are written.
 * Throws when a name is malformed, a dependency is unknown, or the steps form a circle.
 */
export function defineWorkflow<Input>(options: {
  readonly name: string
  readonly input: InputSchema<Input>
  readonly subject: (input: Input) => string
  readonly maxDuration: number
  readonly steps: Readonly<Record<string, StepOptions<NoInfer<Input>>>>
}): WorkflowDefinition<Input> {
  if (!NAME.test(options.name)) throw new Error(`workflow name "${options.name}" must match ${NAME}`)
  requireRange(`maxDuration of ${options.name}`, options.maxDuration, 1, 31_536_000)
  const steps = Object.entries(options.steps).map(
    ([name, given], at): StepDefinition<Input> => ({
      ...complete(name, options.input, given),
      title: given.title,
      critical: given.critical ?? false,
      after: given.after ?? [],
      needs: given.needs ?? [],
      estimate: given.estimate ?? 60,
      index: at + 1,
    }),
  )
  if (steps.length === 0) throw new Error(`workflow "${options.name}" has no steps`)
  for (const { jobType, estimate } of steps) {
    if (!(estimate > 0 && estimate <= 31_536_000)) {
      throw new Error(
        `estimate of ${jobType} must be more than 0 and at most 31536000 seconds, got ${estimate}`,
      )
    }
  }
  requireOrder(options.name, steps)
  return {
    name: options.name,
    input: options.input,
    subject: options.subject,
    maxDuration: options.maxDuration,
    steps,
  }
}

/** Every step that must have ended before `step` may run. */
export function dependenciesOf(definition: Pick<StepDefinition, 'after' | 'needs'>): string[] {
  return [...new Set([...definition.after, ...definition.needs])]
}

export interface PlannedStep<Input = unknown> {
  readonly definition: StepDefinition<Input>
  readonly dependsOn: readonly string[]
  readonly needs: readonly string[]
}

/**
 * The rows of an execution in which only `wanted` steps run (all when undefined). A step that is left out counts
 * as satisfied; what it waited for is waited for by those behind it, so the order of the rest is kept.
 * Throws when a wanted name is unknown or nothing is wanted.
 */
export function planSteps<Input>(
  workflow: WorkflowDefinition<Input>,
  wanted?: readonly string[],
): PlannedStep<Input>[] {
  const byName = new Map(workflow.steps.map((one) => [one.jobType, one]))
  for (const name of wanted ?? []) {
    if (!byName.has(name)) throw new Error(`workflow "${workflow.name}" has no step "${name}"`)
  }
  const chosen = new Set(wanted ?? byName.keys())
  if (chosen.size === 0) throw new Error(`an execution of "${workflow.name}" needs at least one step`)
  const reach = (names: readonly string[]): string[] =>
    names.flatMap((name) => {
      const found = byName.get(name)
      return chosen.has(name) || found === undefined ? [name] : reach(dependenciesOf(found))
    })
  return workflow.steps
    .filter((one) => chosen.has(one.jobType))
    .map((definition) => ({
      definition,
      dependsOn: [...new Set(reach(dependenciesOf(definition)))],
      needs: definition.needs.filter((name) => chosen.has(name)),
    }))
}

function complete<Input>(
  jobType: string,
  input: InputSchema<Input>,
  options: JobOptions<Input>,
): JobDefinition<Input> {
  if (!NAME.test(jobType)) throw new Error(`job type "${jobType}" must match ${NAME}`)
  const timeout = options.timeout ?? 300
  const priority = options.priority ?? 0
  const retry = options.retry ?? DEFAULT_RETRY
  const queue = options.queue ?? 'default'
  requireRange(`timeout of ${jobType}`, timeout, 1, 604_800)
  requireRange(`priority of ${jobType}`, priority, -100, 100)
  requireRange(`retries of ${jobType}`, maxRetries(retry), 0, 100)
  requireDelays(jobType, retry)
  if (queue === '' || queue.length > 63) {
    throw new Error(`queue of ${jobType} must be a name of 1 to 63 characters, got "${queue}"`)
  }
  return { jobType, input, timeout, retry, queue, priority, run: options.run }
}

function requireDelays(jobType: string, retry: RetryPolicy): void {
  const delays = 'delays' in retry ? retry.delays : [retry.minSeconds, retry.maxSeconds]
  for (const delay of delays) {
    if (!(delay >= 0 && delay <= RETRY_WAIT_MAX_SECONDS)) {
      throw new Error(
        `retry waits of ${jobType} must be 0 to ${RETRY_WAIT_MAX_SECONDS} seconds, got ${delay}`,
      )
    }
  }
  const jitter = 'delays' in retry ? 0 : (retry.jitter ?? 0)
  if (!(jitter >= 0 && jitter <= 1))
    throw new Error(`retry jitter of ${jobType} must be 0 to 1, got ${jitter}`)
}

function requireRange(what: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`${what} must be a whole number from ${least} to ${most}, got ${value}`)
  }
}

type StepOrder = Pick<StepDefinition, 'jobType' | 'after' | 'needs'>

/** Throws unless every dependency exists and the steps can be put in an order. */
function requireOrder(workflow: string, steps: readonly StepOrder[]): void {
  const open = new Map(steps.map((one) => [one.jobType, dependenciesOf(one)]))
  for (const [name, dependencies] of open) {
    for (const other of dependencies) {
      if (!open.has(other))
        throw new Error(`step "${name}" of "${workflow}" depends on unknown step "${other}"`)
    }
  }
  while (open.size > 0) {
    const free = [...open].find(([, dependencies]) => dependencies.every((other) => !open.has(other)))
    if (free === undefined) {
      throw new Error(`steps of "${workflow}" wait for each other: ${[...open.keys()].join(', ')}`)
    }
    open.delete(free[0])
  }
}
