import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { look } from '../../src/store/look.ts'
import { addJob, addPoller, claim, hear, type Row, refusalOf, useSql } from './staging.ts'

const sql = useSql()

async function call(expression: string, values: readonly unknown[] = []): Promise<Row[]> {
  return sql.hand(`select * from rowbeat.${expression}`, values)
}

async function actions(): Promise<Row[]> {
  return sql.hand('select action, old_status, new_status, reason from rowbeat.action_log order by id')
}

describe('a paused queue', () => {
  it('is not looked at and not claimed from until it is resumed, which wakes all its lanes', async () => {
    const id = await addJob(sql.engine, { queue: 'mail' })
    await addJob(sql.engine)
    await call(`pause_queue('mail', 'the provider is down')`)
    expect((await look(sql.engine, ['work'])).lanes.map((lane) => lane.queue)).toEqual(['default'])
    await claim(sql.engine, randomUUID(), 'mail')
    expect((await sql.job(id)).status).toBe('pending')
    const wakes = await hear(sql.url, 'rowbeat_wake')
    await call(`resume_queue('mail', 'it is back')`)
    await wakes.stop()
    expect(wakes.heard).toEqual(['||mail'])
    expect((await look(sql.engine, ['work'])).lanes.map((lane) => lane.queue)).toEqual(['default', 'mail'])
    await claim(sql.engine, randomUUID(), 'mail')
    expect((await sql.job(id)).status).toBe('running')
  })

  it('ends by itself at the time given', async () => {
    const id = await addJob(sql.engine, { queue: 'mail' })
    await call(`pause_queue('mail', 'a while', until => now() + interval '1 hour')`)
    await claim(sql.engine, randomUUID(), 'mail')
    expect((await sql.job(id)).status).toBe('pending')
    await sql.engine.query(`update rowbeat.queues set paused_until = now() - interval '1 second'`)
    await claim(sql.engine, randomUUID(), 'mail')
    expect((await sql.job(id)).status).toBe('running')
  })

  it('leaves the look with the clock when every queue is paused', async () => {
    await addJob(sql.engine)
    await call(`pause_queue('default', 'all stop')`)
    const seen = await look(sql.engine, ['work'])
    expect(seen.lanes).toEqual([])
    expect(Math.abs(seen.now - Date.now() / 1000)).toBeLessThan(60)
  })

  it('is refused for a time that has passed, an empty name, and a resume of nothing', async () => {
    expect((await refusalOf(call(`pause_queue('mail', 'x', until => now() - interval '1 hour')`))).code).toBe(
      'RB010',
    )
    expect((await refusalOf(call(`pause_queue('', 'x')`))).code).toBe('RB010')
    expect((await refusalOf(call(`resume_queue('mail', 'x')`))).code).toBe('RB007')
  })
})

describe('drain_poller', () => {
  it('marks a live poller as draining, once', async () => {
    const id = await addPoller(sql.engine)
    expect(await call(`drain_poller($1, 'new version')`, [id])).toMatchObject([
      { poller_id: id, status: 'draining' },
    ])
    expect((await refusalOf(call(`drain_poller($1, 'new version')`, [id]))).code).toBe('RB007')
    expect(await actions()).toMatchObject([
      { action: 'drain_poller', old_status: 'live', new_status: 'draining' },
    ])
  })
})
