import { describe, expect, it } from 'vitest'
import { openProgressDisplay, redraw } from '../../src/cli/progress-display.ts'
import { openScreen } from '../../src/cli/terminal.ts'
import { recordingScreen, running, statusOf } from './fixtures.ts'

const HIDE = '\u001b[?25l'
const SHOW = '\u001b[?25h'

describe('a redraw', () => {
  it('goes up over the lines before and clears what is left of them', () => {
    expect(redraw([], ['a'], 80)).toBe('\u001b[2Ka\n\u001b[0J')
    expect(redraw(['x', 'y'], ['a'], 80)).toBe('\u001b[2A\r\u001b[2Ka\n\u001b[0J')
  })

  it('counts the rows of lines that a narrower window has broken', () => {
    expect(redraw(['x'.repeat(30), '\u001b[31my\u001b[39m'], ['a'], 20)).toContain('\u001b[3A')
  })
})

describe('the live display', () => {
  it('hides the cursor while it draws and gives it back once', () => {
    const screen = recordingScreen({ live: true, isTerminal: true })
    const listeners = process.listenerCount('exit')
    const display = openProgressDisplay(screen)
    display.show(statusOf([running(1)]))
    display.show(statusOf([running(1)]))
    expect(process.listenerCount('exit')).toBe(listeners + 1)
    display.close()
    display.close()
    expect(process.listenerCount('exit')).toBe(listeners)
    expect(screen.text().split(HIDE)).toHaveLength(2)
    expect(screen.text().split(SHOW)).toHaveLength(2)
    expect(screen.text().endsWith(SHOW)).toBe(true)
    expect(screen.text()).toContain('Editorial Analysis')
  })

  it('touches nothing when it is closed before the first status', () => {
    const screen = recordingScreen({ live: true })
    openProgressDisplay(screen).close()
    expect(screen.text()).toBe('')
  })
})

it('the plain display writes no control sequence', () => {
  const screen = recordingScreen()
  const display = openProgressDisplay(screen)
  display.show(statusOf([running(1)]))
  display.close()
  expect(screen.text()).toContain('Editorial Analysis: running\n')
  expect(screen.text()).not.toContain('\u001b')
})

describe('a screen', () => {
  const stream = (changes: object) => ({ isTTY: true, columns: 100, write: () => true, ...changes })

  it('is live and in colour on a terminal', () => {
    const screen = openScreen(stream({}), { color: true, dumb: false })
    expect(screen).toMatchObject({ live: true, color: true, isTerminal: true, columns: 100, width: 100 })
  })

  it('is neither in a file, on a dumb terminal, or against the wish of the person', () => {
    expect(openScreen(stream({ isTTY: false }), { color: true, dumb: false })).toMatchObject({
      live: false,
      color: false,
    })
    expect(openScreen(stream({}), { color: false, dumb: true }).live).toBe(false)
    expect(openScreen(stream({}), { color: false, dumb: false })).toMatchObject({ live: true, color: false })
  })

  it('follows the window, and takes 80 cells where none are known', () => {
    const window = stream({ columns: 60 })
    const screen = openScreen(window, { color: true, dumb: false })
    expect(screen.width).toBe(60)
    Object.assign(window, { columns: 300 })
    expect([screen.width, screen.columns]).toEqual([110, 300])
    Object.assign(window, { columns: 0 })
    expect(screen.columns).toBe(80)
  })
})
