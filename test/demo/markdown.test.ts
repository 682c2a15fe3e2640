import { describe, expect, it } from 'vitest'
import { toHtml, toText, typographic } from '../../demo/markdown.ts'
import { encodeWindows1252 } from '../../demo/windows-1252.ts'

describe('the Markdown of the demo', () => {
  it('becomes one element per block', () => {
    const html = toHtml('Bonjour **vous**.\n\n## Titre\n\n- un\n- deux\n\n1. a\n2. b\n\n> cité')
    expect(html).toBe(
      '<p>Bonjour <strong>vous</strong>.</p>\n<h2>Titre</h2>\n<ul>\n<li>un</li>\n<li>deux</li>\n</ul>\n' +
        '<ol>\n<li>a</li>\n<li>b</li>\n</ol>\n<blockquote><p>cité</p></blockquote>',
    )
  })

  it('escapes markup and keeps links', () => {
    expect(toHtml('a < b & [lien](/x?a=1&b=2)')).toBe(
      '<p>a &lt; b &amp; <a href="/x?a=1&amp;b=2">lien</a></p>',
    )
  })

  it('becomes bare text', () => {
    expect(toText('## Titre\n\n**Gras** et [lien](/x).\n\n- un\n- deux')).toBe(
      'Titre\n\nGras et lien.\n\nun\ndeux',
    )
  })

  it('gets French spacing only in French', () => {
    expect(typographic("l'an : « oui » 2 300 colis", 'fr')).toBe(
      'l’an\u00a0: «\u00a0oui\u00a0» 2\u00a0300 colis',
    )
    expect(typographic("it's 2 300 : fine", 'en')).toBe('it’s 2 300 : fine')
  })
})

describe('windows-1252', () => {
  it('comes back whole through a decoder of that name', () => {
    const text = 'Œil, façade, 12 € – « l’été » …'
    expect(new TextDecoder('windows-1252').decode(encodeWindows1252(text))).toBe(text)
  })

  it('writes what it cannot hold as a reference', () => {
    expect(encodeWindows1252('→').toString('latin1')).toBe('&#8594;')
  })
})
