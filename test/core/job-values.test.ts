import { describe, expect, it } from 'vitest'
import { requireJobValues } from '../../src/core/job-values.ts'

describe('the values of a new job', () => {
  it('may be left out, and may be as large as they can be stored', () => {
    requireJobValues({ jobType: 'x' })
    requireJobValues({
      jobType: 'é'.repeat(63),
      queue: '😀'.repeat(63),
      priority: -100,
      maxRetries: 100,
      timeoutSeconds: 604_800,
      dedupeKey: '',
      concurrencyKey: '😀'.repeat(500),
      scheduledAt: new Date(),
      deadlineAt: new Date(0),
    })
  })

  it.each([
    [{ jobType: '' }, 'jobType must have 1 to 63 characters, got 0'],
    [{ queue: 'q'.repeat(64) }, 'queue must have 1 to 63 characters, got 64'],
    [{ priority: 101 }, 'priority must be a whole number from -100 to 100, got 101'],
    [{ priority: 0.5 }, 'priority must be a whole number from -100 to 100, got 0.5'],
    [{ maxRetries: -1 }, 'maxRetries must be a whole number from 0 to 100, got -1'],
    [{ timeoutSeconds: 0 }, 'timeoutSeconds must be a whole number from 1 to 604800, got 0'],
    [{ timeoutSeconds: Number.NaN }, 'timeoutSeconds must be a whole number from 1 to 604800, got NaN'],
    [{ dedupeKey: 'k'.repeat(501) }, 'dedupeKey must have 0 to 500 characters, got 501'],
    [{ concurrencyKey: 'k'.repeat(501) }, 'concurrencyKey must have 0 to 500 characters, got 501'],
    [{ scheduledAt: new Date(Number.NaN) }, 'scheduledAt must be a time'],
    [{ deadlineAt: new Date(Number.NaN) }, 'deadlineAt must be a time'],
  ])('are refused out of range: %o', (values, message) => {
    expect(() => requireJobValues({ jobType: 'x', ...values })).toThrow(new RangeError(message))
  })
})
