/** The threads of the audit: shared by all audits of a process, started with the first, ended some time after the last. */
import { availableParallelism } from 'node:os'
import type { ThreadPool } from '../../core/ports.ts'

/**
 * A core is left to the main loop: on two cores a second reader makes nothing faster, and each loads its parsers
 * and the tables of the language detector, some 100 MiB. A page that needs more memory than this is no page.
 */
export const READING: ThreadPool = {
  name: 'audit_reading',
  most: availableParallelism() > 2 ? 2 : 1,
  heapMaxMb: 512,
}

/** The trend pipeline holds 2,000 articles and their vectors. */
export const TRENDS: ThreadPool = { name: 'audit_trends', most: 2, heapMaxMb: 1536 }
