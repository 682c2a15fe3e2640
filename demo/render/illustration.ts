/** Drawings of the demo: a cargo bike that carries a sign of the article's topic. */
import type { DemoTopic } from '../content.ts'
import type { Palette } from '../sites.ts'

/** What is drawn on the box, in a field of 120 by 90 whose corner is at 0,0. */
const SIGNS: Readonly<Record<DemoTopic, string>> = {
  batteries: '<path d="M22 28h66v34H22zM88 38h8v14h-8zM60 32 46 48h14l-8 12"/>',
  'micro-hubs': '<path d="M20 42 60 18l40 24v34H20zM40 76V54h40v22M40 65h40"/>',
  froid: '<path d="M60 14v62M33 29l54 32M87 29 33 61M52 20l8 8 8-8M52 70l8-8 8 8"/>',
  zfe: '<circle cx="60" cy="45" r="30"/><path d="M42 45h36M54 33h12M54 57h12"/>',
  maintenance:
    '<circle cx="60" cy="45" r="14"/><path d="M60 15v14M60 61v14M30 45h14M76 45h14M39 24l10 10M71 56l10 10M81 24 71 34M49 56 39 66"/>',
  financement:
    '<ellipse cx="60" cy="28" rx="26" ry="9"/><path d="M34 28v32c0 12 52 12 52 0V28M34 44c0 12 52 12 52 0"/>',
  formation:
    '<circle cx="44" cy="32" r="10"/><circle cx="78" cy="36" r="8"/><path d="M26 72c0-30 36-30 36 0M66 72c0-24 28-24 28 0"/>',
  robots: '<path d="M32 32h56v34H32zM60 32V16M46 46h4M70 46h4M48 57h24"/><circle cx="60" cy="14" r="3"/>',
}

/** An SVG of 840 by 360 in the colours of the site. */
export function illustration(topic: DemoTopic, { ink, accent, tint, paper }: Palette): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 360" width="840" height="360">
<rect width="840" height="360" fill="${tint}"/>
<circle cx="690" cy="110" r="64" fill="${paper}"/>
<path d="M0 316h840v44H0z" fill="${accent}" opacity=".25"/>
<g fill="none" stroke="${ink}" stroke-width="8" stroke-linecap="round" stroke-linejoin="round">
<circle cx="230" cy="265" r="55"/><circle cx="680" cy="280" r="40"/><circle cx="315" cy="265" r="14"/>
<path d="M230 265 310 170h80l-75 95H230M310 170l-12-30M278 140h36M390 170l-10-46h-34"/>
<path d="M390 170l20 110h185l15-90 70 90"/>
</g>
<rect x="420" y="130" width="170" height="132" rx="10" fill="${accent}"/>
<g transform="translate(445 151)" fill="none" stroke="${paper}" stroke-width="5" stroke-linecap="round">${SIGNS[topic]}</g>
</svg>
`
}
