import { type Category, entries, phrases, USUAL_NEED } from './category.ts'

/** Tools that describe other sites: rankings, traffic, keywords, technology, link checks. */
export const SEO_TOOLS: Category = {
  name: 'seo_tool',
  label: 'SEO or site statistics tool',
  domains: entries(`
    semrush.com ahrefs.com moz.com majestic.com similarweb.com alexa.com serpstat.com seranking.com
    sistrix.* searchmetrics.com spyfu.com ubersuggest.com neilpatel.com mangools.com kwfinder.com
    yooda.com myposeo.com ranxplorer.com haloscan.com monitorank.com oncrawl.com botify.com
    screamingfrog.co.uk sitebulb.com deepcrawl.com lumar.io seobility.net seoptimer.com woorank.com
    dareboost.com gtmetrix.com pingdom.com webpagetest.org yslow.org siteliner.com copyscape.com
    surferseo.com yourtext.guru cocolyze.com seolyze.com seoquake.com se-ranking.com serprobot.com
    keywordtool.io keywords-everywhere.com alsoasked.com answersocrates.com kwrds.ai
    builtwith.com wappalyzer.com whatruns.com statshow.com hypestat.com siteprice.org worthofweb.com
    urlmetriques.co cutestat.com whois.com who.is whoxy.com domaintools.com
    viewdns.info dnslytics.com mxtoolbox.com ipinfo.io virustotal.com urlvoid.com scamadviser.com
    scamdoc.com similarsites.com alternativeto.net competitors.app owletter.com rankwatch.com
    linkody.com getlinko.com semjuice.com ereferer.com soumettre.fr nextlevel.link backlinko.com
    searchenginejournal.com searchengineland.com abondance.com webrankinfo.com
  `),
  suffixes: [],
  hostParts: entries('whois seo- backlink sitestat webstat alexa-rank'),
  keywords: phrases(`
    backlink | whois | domain authority | keyword research tool | seo audit | audit seo | site traffic
    | trafic du site | website worth | serp | rank tracker | suivi de position | similar sites
  `),
  keywordsNeeded: USUAL_NEED,
  penalty: 0,
}
