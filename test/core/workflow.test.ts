import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRegistry } from '../../src/core/registry.ts'
import { defineJob, defineWorkflow, planSteps, type StepOptions, step } from '../../src/core/workflow.ts'

const input = { parse: (value: unknown): unknown => value }
const run = (): undefined => undefined
const bare = (more: Partial<StepOptions<unknown>> = {}): StepOptions<unknown> =>
  step({ title: 'A step', run, ...more })
const define = (steps: Record<string, StepOptions<unknown>>, more: object = {}) =>
  defineWorkflow({ name: 'walk', input, subject: () => 'x', maxDuration: 60, steps, ...more })

describe('defining a workflow', () => {
  it('fills in the defaults and keeps the order of the steps', () => {
    const walk = define({ one: bare(), two: bare({ after: ['one'], timeout: 5, critical: true }) })
    expect(walk.steps.map((one) => [one.jobType, one.index, one.timeout, one.critical, one.queue])).toEqual([
      ['one', 1, 300, false, 'default'],
      ['two', 2, 5, true, 'default'],
    ])
  })

  it.each<[string, () => unknown, RegExp]>([
    ['a malformed name', () => define({ one: bare() }, { name: 'Walk' }), /workflow name "Walk" must match/],
    ['a malformed step name', () => define({ 'a-b': bare() }), /job type "a-b" must match/],
    ['no steps', () => define({}), /has no steps/],
    ['an unknown dependency', () => define({ one: bare({ after: ['two'] }) }), /unknown step "two"/],
    ['an unknown need', () => define({ one: bare({ needs: ['two'] }) }), /unknown step "two"/],
    [
      'a step that waits for itself',
      () => define({ one: bare({ after: ['one'] }) }),
      /wait for each other: one/,
    ],
    [
      'a circle',
      () => define({ a: bare({ after: ['c'] }), b: bare({ needs: ['a'] }), c: bare({ after: ['b'] }) }),
      /wait for each other: a, b, c/,
    ],
    ['a time limit of nothing', () => define({ one: bare({ timeout: 0 }) }), /timeout of one/],
    [
      'a time limit that is no number',
      () => define({ one: bare({ timeout: Number.NaN }) }),
      /timeout of one/,
    ],
    ['a duration beyond a year', () => define({ one: bare() }, { maxDuration: 1e9 }), /maxDuration of walk/],
    ['a priority out of range', () => define({ one: bare({ priority: 101 }) }), /priority of one/],
    ['an estimate of nothing', () => define({ one: bare({ estimate: 0 }) }), /estimate of one/],
    ['a queue without a name', () => define({ one: bare({ queue: '' }) }), /queue of one/],
    ['a queue with a long name', () => define({ one: bare({ queue: 'q'.repeat(64) }) }), /queue of one/],
    ['a negative wait', () => define({ one: bare({ retry: { delays: [1, -1] } }) }), /retry waits of one/],
    [
      'a jitter above 1',
      () => define({ one: bare({ retry: { tries: 2, minSeconds: 1, maxSeconds: 2, jitter: 2 } }) }),
      /retry jitter of one/,
    ],
    [
      'more retries than a row may have',
      () => define({ one: bare({ retry: { tries: 102, minSeconds: 1, maxSeconds: 2 } }) }),
      /retries of one/,
    ],
  ])('refuses %s', (_what, act, message) => {
    expect(act).toThrow(message)
  })
})

describe('the registry', () => {
  it('knows every job type, sorted, and refuses two of one name', () => {
    const walk = define({ two: bare(), one: bare() })
    const job = defineJob({ jobType: 'mop', input, run })
    const registry = createRegistry({ workflows: [walk], jobs: [job] })
    expect(registry.jobTypes).toEqual(['mop', 'one', 'two'])
    expect(registry.job('mop')).toBe(job)
    expect(registry.workflow('walk')).toBe(walk)
    expect(registry.job('constructor')).toBeUndefined()
    expect(() => createRegistry({ jobs: [job, job] })).toThrow(/"mop" is defined twice/)
    expect(() => createRegistry({ workflows: [walk, walk] })).toThrow(/"walk" is defined twice/)
  })
})

/** Workflows of up to 7 steps, each depending on some before it. */
const workflows = fc
  .array(fc.array(fc.record({ at: fc.nat(6), need: fc.boolean() }), { maxLength: 3 }), {
    minLength: 1,
    maxLength: 7,
  })
  .map((shapes) =>
    define(
      Object.fromEntries(
        shapes.map((shape, index) => {
          const known = shape.filter((one) => one.at < index)
          const names = (need: boolean): string[] => [
            ...new Set(known.filter((one) => one.need === need).map((one) => `s${one.at}`)),
          ]
          return [`s${index}`, bare({ after: names(false), needs: names(true) })]
        }),
      ),
    ),
  )

describe('planning a part of a workflow', () => {
  it('keeps the order of what remains, through whatever is left out', () => {
    fc.assert(
      fc.property(workflows, fc.infiniteStream(fc.boolean()), (workflow, coins) => {
        const wanted = workflow.steps.map((one) => one.jobType).filter(() => coins.next().value === true)
        fc.pre(wanted.length > 0)
        const whole = new Map(
          planSteps(workflow).map((one) => [one.definition.jobType, one.dependsOn] as const),
        )
        const part = new Map(planSteps(workflow, wanted).map((one) => [one.definition.jobType, one] as const))
        expect([...part.keys()]).toEqual(
          workflow.steps.map((one) => one.jobType).filter((one) => part.has(one)),
        )
        const reach = (graph: (name: string) => readonly string[], name: string): Set<string> => {
          const seen = new Set(graph(name))
          for (const one of seen) for (const other of graph(one)) seen.add(other)
          return seen
        }
        for (const [name, planned] of part) {
          expect(planned.needs.every((one) => planned.dependsOn.includes(one))).toBe(true)
          const wholeBefore = reach((one) => whole.get(one) ?? [], name)
          const partBefore = reach((one) => part.get(one)?.dependsOn ?? [], name)
          expect(partBefore).toEqual(new Set([...wholeBefore].filter((one) => part.has(one))))
        }
      }),
    )
  })

  it('refuses a step that does not exist, and nothing at all', () => {
    const walk = define({ one: bare() })
    expect(() => planSteps(walk, ['two'])).toThrow(/has no step "two"/)
    expect(() => planSteps(walk, [])).toThrow(/at least one step/)
  })
})
