/** Writes the table of settings into README.md; `--check` only compares. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { environment } from '../src/config.ts'

const README = fileURLToPath(new URL('../README.md', import.meta.url))
const BLOCK = /<!-- settings -->[\s\S]*?(?=\nDevelopment hosts:)/

/** The table of every setting with its default and sentence. */
export function settingsTable(): string {
  const rows = Object.entries(environment.shape).map(([name, field]) => {
    const parsed = field.safeParse(undefined)
    const fallback =
      parsed.success && parsed.data !== undefined && parsed.data !== '' ? `\`${parsed.data}\`` : '–'
    return `| \`${name}\` | ${fallback} | ${field.description ?? ''} |`
  })
  return ['<!-- settings -->', '| Setting | Default | Meaning |', '|---|---|---|', ...rows, ''].join('\n')
}

/** README.md with the present table of settings. */
export function withSettings(readme: string): string {
  return readme.replace(BLOCK, () => settingsTable())
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const readme = readFileSync(README, 'utf8')
  const wanted = withSettings(readme)
  if (process.argv.includes('--check')) {
    if (readme !== wanted) {
      console.error('README.md is behind the settings: run "node scripts/write-readme.ts"')
      process.exitCode = 1
    }
  } else {
    writeFileSync(README, wanted)
  }
}
