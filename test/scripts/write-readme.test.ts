import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { withSettings } from '../../scripts/write-readme.ts'

describe('README.md', () => {
  it('lists every setting with its default and meaning', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    expect(withSettings(readme)).toBe(readme)
    expect(readme).toContain('| `ROWBEAT_CONCURRENCY` |')
  })
})
