import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { useEngines } from './harness.ts'

const engines = useEngines()

const ARCHITECTURE = readFileSync(new URL('../../ARCHITECTURE.md', import.meta.url), 'utf8')

it('numbers above 2^53 keep their digits in the row, and reach a handler as ARCHITECTURE says', async () => {
  expect(ARCHITECTURE).toContain('9007199254740993')
  const { rows } = await engines.pool.query<{ id: string }>(
    `insert into rowbeat.scheduled_jobs (job_type, payload) values
       ('work', '{"number": 9007199254740993, "text": "9007199254740993", "decimal": 0.1000000000000000055}'),
       ('strict', '{"number": 9007199254740993}')
     returning id`,
  )
  const [id = '', strictId = ''] = rows.map((row) => row.id)
  const seen: unknown[] = []
  const work = (context: { readonly input: unknown }) => {
    seen.push(context.input)
    return { number: 9_007_199_254_740_992, text: '9007199254740993' }
  }
  const strict = { input: z.object({ number: z.int() }), run: work }
  await engines.start({ jobs: { work, strict } })
  await engines.drained()
  expect(seen).toEqual([{ number: 9_007_199_254_740_992, text: '9007199254740993', decimal: 0.1 }])
  const stored = await engines.pool.query(
    'select payload::text as payload, result::text as result from rowbeat.scheduled_jobs where id = $1',
    [id],
  )
  expect(stored.rows).toEqual([
    {
      payload: '{"text": "9007199254740993", "number": 9007199254740993, "decimal": 0.1000000000000000055}',
      result: '{"text": "9007199254740993", "number": 9007199254740992}',
    },
  ])
  // What `z.int()` takes is what a double holds, so that the handler never sees another number than the sender's.
  const refused = await engines.read(strictId)
  expect(refused).toMatchObject({ status: 'failed', last_error_code: 'INVALID_INPUT' })
})
