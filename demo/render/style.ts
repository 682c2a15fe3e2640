/** One style sheet, four looks: the palette and the type face come from the site. */
import type { SiteDesign } from '../sites.ts'

const FACES = {
  sans: 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  serif: 'Charter, "Bitstream Charter", Cambria, Georgia, serif',
} as const

/** The style sheet of a site; refers to nothing outside itself. */
export function styleSheet({ palette, font }: SiteDesign): string {
  return `:root {
  --ink: ${palette.ink}; --paper: ${palette.paper}; --accent: ${palette.accent}; --tint: ${palette.tint};
  --face: ${FACES[font]};
}
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--paper); font: 18px/1.65 var(--face); }
a { color: var(--accent); text-underline-offset: .15em; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem 1rem; }
.wrap { max-width: 68rem; margin: 0 auto; padding: 0 1.5rem; }
.site-header { border-bottom: 3px solid var(--accent); }
.site-header .wrap { display: flex; flex-wrap: wrap; gap: .5rem 2rem; align-items: center; padding-block: 1rem; }
.brand { font-weight: 800; font-size: 1.25rem; letter-spacing: -.01em; text-decoration: none; color: var(--ink); }
.site-header nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin-left: auto; font-size: .95rem; }
.site-header nav a { color: inherit; text-decoration: none; padding: .25rem 0; }
.site-header nav a:hover { box-shadow: 0 2px 0 var(--accent); }
main { padding-block: 2.5rem 4rem; }
h1 { font-size: clamp(1.9rem, 4.5vw, 3rem); line-height: 1.15; letter-spacing: -.02em; margin: 0 0 1rem; text-wrap: balance; }
h2 { font-size: 1.45rem; line-height: 1.25; margin: 2.25rem 0 .5rem; }
.hero { background: var(--tint); border-radius: 1rem; padding: clamp(1.5rem, 5vw, 3.5rem); margin-bottom: 2.5rem; }
.hero p { font-size: 1.2rem; max-width: 44rem; margin: 0; }
.prose { max-width: 42rem; }
.prose p, .prose ul, .prose ol { margin: 0 0 1.1rem; }
.prose li { margin-bottom: .35rem; }
blockquote { margin: 1.5rem 0; padding: .25rem 0 .25rem 1.25rem; border-left: 4px solid var(--accent); font-style: italic; }
.topic { display: inline-block; background: var(--tint); color: var(--accent); font-weight: 600; font-size: .8rem;
  border-radius: 99px; padding: .1rem .75rem; }
.byline { color: color-mix(in srgb, var(--ink) 65%, var(--paper)); margin: 0 0 1.5rem; }
.lead { font-size: 1.2rem; }
figure { margin: 0 0 2rem; }
figure img { display: block; width: 100%; max-width: 42rem; height: auto; border-radius: .75rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1.5rem; padding: 0; list-style: none; }
.card { border: 1px solid color-mix(in srgb, var(--ink) 14%, var(--paper)); border-radius: .75rem; padding: 1.25rem; }
.card h2, .card h3 { font-size: 1.15rem; line-height: 1.3; margin: .5rem 0; }
.card p { font-size: .95rem; margin: 0 0 .5rem; }
.card time { font-size: .85rem; opacity: .7; }
.related { margin-top: 3rem; border-top: 1px solid var(--tint); padding-top: 1rem; }
.pager { display: flex; justify-content: space-between; gap: 1rem; margin-top: 2rem; }
.site-footer { background: var(--ink); color: var(--paper); font-size: .9rem; padding-block: 2rem; }
.site-footer a { color: inherit; margin-right: 1.25rem; }
@media (prefers-reduced-motion: no-preference) { .card { transition: translate .15s; } .card:hover { translate: 0 -3px; } }
`
}
