import { describe, expect, it, vi } from 'vitest'
import { stopApp } from '../../src/cli/stop-app.ts'
import { aborted, createStopRequests, pause } from '../../src/cli/stop-requests.ts'

describe('requests to stop', () => {
  it('grow from gently over at once to the end', () => {
    const end = vi.fn()
    const stops = createStopRequests(end)
    const state = () => [stops.gently.aborted, stops.atOnce.aborted, end.mock.calls.length]
    expect(state()).toEqual([false, false, 0])
    stops.request(1000)
    expect(state()).toEqual([true, false, 0])
    stops.request(2000)
    expect(state()).toEqual([true, true, 0])
    stops.request(3000)
    expect(state()).toEqual([true, true, 1])
  })

  it('count once when npm repeats the interrupt of the terminal', () => {
    const stops = createStopRequests(() => undefined)
    stops.request(1000)
    stops.request(1005)
    expect(stops.atOnce.aborted).toBe(false)
    stops.request(1500)
    expect(stops.atOnce.aborted).toBe(true)
  })

  it('end a pause, and a wait that begins after them', async () => {
    const stops = createStopRequests(() => undefined)
    const waiting = [pause(600_000, stops.gently), aborted(stops.gently)]
    stops.request(0)
    await Promise.all([...waiting, pause(600_000, stops.gently), aborted(stops.gently)])
    expect(stops.gently.aborted).toBe(true)
  })
})

describe('stopping the app', () => {
  function fakeApp() {
    const deadlines: (number | undefined)[] = []
    let finish = (): void => undefined
    const ended = new Promise<void>((resolve) => {
      finish = resolve
    })
    const stop = (deadlineMs?: number): Promise<void> => {
      deadlines.push(deadlineMs)
      if (deadlineMs === 0) finish()
      return ended
    }
    return { deadlines, finish, app: { stop } }
  }

  it('gives running jobs their time', async () => {
    const { app, deadlines, finish } = fakeApp()
    const stopping = stopApp(
      app,
      createStopRequests(() => undefined),
      25_000,
    )
    finish()
    await stopping
    expect(deadlines).toEqual([25_000])
  })

  it('gives them none once a second request comes', async () => {
    const { app, deadlines } = fakeApp()
    const stops = createStopRequests(() => undefined)
    stops.request(0)
    const stopping = stopApp(app, stops, 25_000)
    stops.request(1000)
    await stopping
    expect(deadlines).toEqual([25_000, 0])
  })

  it('gives them none when the second request came before', async () => {
    const { app, deadlines } = fakeApp()
    const stops = createStopRequests(() => undefined)
    stops.request(0)
    stops.request(1000)
    await stopApp(app, stops, 25_000)
    expect(deadlines).toEqual([0])
  })

  it('passes on that stopping failed', async () => {
    const app = { stop: () => Promise.reject(new Error('the server does not stop')) }
    const stops = createStopRequests(() => undefined)
    await expect(stopApp(app, stops, 1)).rejects.toThrow('the server does not stop')
  })
})
