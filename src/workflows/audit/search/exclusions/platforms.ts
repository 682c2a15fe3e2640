import { type Category, entries, USUAL_NEED } from './category.ts'

/** Search engines, app stores, hosts of other people's pages, forms, documents and mail. */
export const PLATFORMS: Category = {
  name: 'platform',
  label: 'general web platform',
  domains: entries(`
    google.* bing.com duckduckgo.com qwant.com ecosia.org baidu.com yandex.* startpage.com brave.com lilo.org
    apple.com microsoft.com office.com live.com outlook.com goo.gl g.page blogger.com
    wordpress.com blogspot.com blogspot.* over-blog.com canalblog.com e-monsite.com wixsite.com weebly.com
    webnode.* jimdo.* jimdofree.com jimdosite.com strikingly.com webflow.io squarespace.com site123.me
    simdif.com medium.com substack.com ghost.io hubpages.com livejournal.com notion.site
    notion.so trello.com asana.com airtable.com typeform.com jotform.com surveymonkey.* tally.so
    eventbrite.* weezevent.com billetweb.fr helloasso.com leetchi.com ulule.com kisskissbankbank.com
    kickstarter.com indiegogo.com gofundme.com patreon.com tipeee.com change.org mesopinions.com avaaz.org
    dropbox.com wetransfer.com box.com mega.nz 1drv.ms icloud.com docplayer.fr docplayer.net
    pdfcoffee.com vdocuments.net yumpu.com fliphtml5.com canva.com unsplash.com pexels.com pixabay.com
    shutterstock.com istockphoto.com gettyimages.* adobe.com freepik.com vecteezy.com dreamstime.com
    openai.com chatgpt.com perplexity.ai claude.ai bit.ly tinyurl.com t.ly ow.ly
    prnewswire.com businesswire.com globenewswire.com einpresswire.com 24presse.com categorynet.com
    paypal.com stripe.com sumup.com mailchi.mp sendinblue.com mailchimp.com
  `),
  suffixes: [],
  hostParts: [],
  keywords: [],
  keywordsNeeded: USUAL_NEED,
  penalty: 0,
}
