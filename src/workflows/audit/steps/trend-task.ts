/** The trend pipeline as a task of a thread. */
import { runTrends, type TrendStage } from '../trends/pipeline.ts'
import type { TrendResult } from '../types.ts'
import type { TrendQuestion } from './rooms.ts'

/** How far a stage is. */
export interface StageReport {
  readonly stage: TrendStage
  readonly done: number
  readonly total: number
}

/** `runTrends` that tells its progress as messages. */
export function computeTrends(question: TrendQuestion, report: (report: StageReport) => void): TrendResult {
  return runTrends({ ...question, onStage: (stage, done, total) => report({ stage, done, total }) })
}
