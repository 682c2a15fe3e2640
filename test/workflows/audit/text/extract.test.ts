import { describe, expect, it } from 'vitest'
import { extractPage } from '../../../../src/workflows/audit/text/extract.ts'

const URL_OF_PAGE = 'https://www.example.fr/blog/un-article/'
const SENTENCE =
  'La logistique urbaine change la manière dont les commerçants reçoivent leurs marchandises en ville. '
const PARAGRAPH = `<p>${SENTENCE.repeat(3)}</p>`

const article = (head = '', body = ''): string => `<!doctype html><html lang="fr-FR"><head>
  <title>Livrer la ville | Exemple</title><meta property="og:site_name" content="Exemple">${head}</head><body>
  <nav><a href="/">Accueil</a> <a href="/menu-produits">Menu produits</a></nav>
  <div class="cookie-banner">Nous utilisons des cookies pour vous servir.</div>
  <main><article><h1>Livrer la ville</h1>${PARAGRAPH.repeat(4)}<h2>Les tournées</h2>${PARAGRAPH}${body}</article></main>
  <footer>Mentions du pied de page</footer></body></html>`

describe('extractPage', () => {
  it('keeps the article and leaves navigation, banners and footers out', () => {
    const page = extractPage(article(), URL_OF_PAGE)
    expect(page.text).toContain('La logistique urbaine change')
    expect(page.text).not.toMatch(/Menu produits|cookies|pied de page/)
    expect(page.text.split('\n\n').length).toBeGreaterThan(4)
    expect(page.wordCount).toBeGreaterThan(200)
    expect(page.paragraphCount).toBe(5)
    expect(page.method).toBe('readability')
  })

  it('reads title, language, canonical, description, headings and Open Graph', () => {
    const head = `<link rel="canonical" href="/blog/canonique"><meta name="description" content=" Une  phrase. ">
      <meta property="og:type" content="Article">`
    const page = extractPage(article(head), URL_OF_PAGE)
    expect(page).toMatchObject({
      title: 'Livrer la ville',
      declaredLanguage: 'fr',
      canonicalUrl: 'https://www.example.fr/blog/canonique',
      description: 'Une phrase.',
      ogType: 'article',
      siteName: 'Exemple',
    })
    expect(page.headings).toEqual([
      { level: 1, text: 'Livrer la ville' },
      { level: 2, text: 'Les tournées' },
    ])
  })

  it('makes links absolute, keeps http only, drops fragments, repeats and the page itself', () => {
    const links = `<a href="/a#x">a</a><a href="../a">b</a><a href="mailto:x@y.fr">m</a><a href="#top">t</a>
      <a href="javascript:void 0">j</a><a href="https://blog.example.fr/b">s</a><a href="//autre.com/c?d=1">o</a>
      <a href="http://[bad">bad</a><a href="https://www.example.fr/blog/a">again</a>`
    const page = extractPage(article('', links), URL_OF_PAGE)
    expect(page.internalLinks).toEqual([
      'https://www.example.fr/',
      'https://www.example.fr/menu-produits',
      'https://www.example.fr/a',
      'https://www.example.fr/blog/a',
      'https://blog.example.fr/b',
    ])
    expect(page.externalLinks).toEqual(['https://autre.com/c?d=1'])
  })

  it('stops at a thousand links', () => {
    const links = Array.from({ length: 1500 }, (_, index) => `<a href="/p/${index}">x</a>`).join('')
    expect(extractPage(links, URL_OF_PAGE).internalLinks).toHaveLength(1000)
  })

  it('counts images, missing alternatives and videos', () => {
    const media = `<img src="a.jpg" alt="vue"><img src="b.jpg"><img src="c.jpg" alt=""><img src="t.gif" width="1">
      <video></video><iframe src="https://www.youtube.com/embed/x"></iframe><iframe src="https://maps.example/"></iframe>`
    const page = extractPage(article('', media), URL_OF_PAGE)
    expect(page).toMatchObject({ imageCount: 3, imagesWithoutAlt: 1, videoCount: 2 })
  })

  it('reads JSON-LD arrays and graphs, and an author given by reference', () => {
    const head = `<script type="application/ld+json">[{"@type":"BreadcrumbList"}]</script>
      <script type="application/ld+json">{"@context":"https://schema.org","@graph":[
        {"@type":["NewsArticle"],"datePublished":"2024-03-05T10:00:00+01:00","author":{"@id":"#moi"}},
        {"@type":"https://schema.org/Person","@id":"#moi","name":"Anaïs Roux"}]}</script>`
    const page = extractPage(article(head), URL_OF_PAGE)
    expect(page.jsonLdTypes).toEqual(['BreadcrumbList', 'NewsArticle', 'Person'])
    expect(page).toMatchObject({
      author: 'Anaïs Roux',
      publishedAt: '2024-03-05T09:00:00.000Z',
      dateSource: 'json-ld',
    })
  })

  it('repairs JSON-LD with raw line breaks and trailing commas, and skips what is beyond repair', () => {
    const head = `<script type="application/ld+json">{"@type":"Article","headline":"Deux
      lignes",}</script><script type="application/ld+json">{"@type":</script>`
    expect(extractPage(article(head), URL_OF_PAGE).jsonLdTypes).toEqual(['Article'])
  })

  it('takes the date by priority and says where it was read', () => {
    const linked =
      '<script type="application/ld+json">{"@type":"Article","datePublished":"2024-01-01"}</script>'
    const meta = '<meta property="article:published_time" content="2024-02-02T00:00:00Z">'
    const time = '<time datetime="2024-03-03">3 mars</time>'
    const url = 'https://example.fr/2024/04/04/article/'
    const read = (head: string, body: string, at = url) => {
      const { publishedAt, dateSource } = extractPage(article(head, body), at)
      return [publishedAt?.slice(0, 10), dateSource]
    }
    expect(read(linked + meta, time)).toEqual(['2024-01-01', 'json-ld'])
    expect(read(meta, time)).toEqual(['2024-02-02', 'meta'])
    expect(read('', time)).toEqual(['2024-03-03', 'time'])
    expect(read('', '')).toEqual(['2024-04-04', 'url'])
    expect(read('', '', URL_OF_PAGE)).toEqual([undefined, null])
  })

  it('passes over impossible dates and dates of lists', () => {
    const bad =
      '<meta property="article:published_time" content="2024-02-31"><meta name="date" content="0001-01-01">'
    expect(extractPage(article(bad), URL_OF_PAGE).publishedAt).toBeNull()
    const card = (day: number) => `<article><h2>Titre</h2><time datetime="2024-03-0${day}">x</time></article>`
    expect(extractPage(`<main>${card(1)}${card(2)}</main>`, URL_OF_PAGE).publishedAt).toBeNull()
    expect(
      extractPage(article('', '<time datetime="2024-03-03">x</time>'), 'https://example.fr/').publishedAt,
    ).toBeNull()
  })

  it('leaves program code out of the text', () => {
    const page = extractPage(article('', '<pre><code>let secretName = 1</code></pre>'), URL_OF_PAGE)
    expect(page.text).not.toContain('secretName')
  })

  it('falls back to plain elements on pages of many short parts', () => {
    const cards = Array.from(
      { length: 30 },
      (_, i) => `<div><h3>Service ${i}</h3><p>${SENTENCE}</p></div>`,
    ).join('')
    const page = extractPage(`<body><nav>menu menu menu</nav><main>${cards}</main></body>`, URL_OF_PAGE)
    expect(page.text).toContain('Service 0')
    expect(page.text).toContain('Service 29')
  })

  it('keeps content whose class merely sounds like noise', () => {
    const page = extractPage(
      `<body class="has-sidebar"><div class="menu">${PARAGRAPH.repeat(3)}</div></body>`,
      URL_OF_PAGE,
    )
    expect(page.text).toContain('La logistique urbaine')
  })

  it.each([
    ['nothing', ''],
    ['angle brackets', '<<<>>><p><b><i>a'],
    ['unclosed attributes', '<a href="'.repeat(5000)],
    ['a frameset', '<frameset><frame src="x"></frameset>'],
    ['ten thousand nested elements', '<div>'.repeat(10_000)],
    ['deep formatting', '<p><font>'.repeat(3000)],
    ['deep tables', '<table>'.repeat(1000)],
    ['deep JSON-LD', `<script type="application/ld+json">${'['.repeat(100_000)}</script>`],
    ['an endless comment', `<!--${'-'.repeat(200_000)}`],
    ['a long word', `<p>${'x'.repeat(200_000)}`],
  ])('survives %s', (_, html) => {
    const page = extractPage(html, URL_OF_PAGE)
    expect(typeof page.text).toBe('string')
    expect(page.wordCount).toBeLessThan(10)
  })

  it('reads no more than three mebi-units of HTML', () => {
    const page = extractPage(`<p>${SENTENCE}</p>${' '.repeat(3 * 1024 * 1024)}<p>trop loin</p>`, URL_OF_PAGE)
    expect(page.text).not.toContain('trop loin')
  })

  it('accepts an address that is no URL', () => {
    expect(extractPage('<a href="/x">x</a><a href="https://a.fr/">a</a>', 'no url').externalLinks).toEqual([
      'https://a.fr/',
    ])
  })
})
