import { type Category, entries, phrases, USUAL_NEED } from './category.ts'

/** General shops, marketplaces, classified advertisements, travel and delivery platforms. */
export const MARKETPLACES: Category = {
  name: 'marketplace',
  label: 'general shop or marketplace',
  domains: entries(`
    amazon.* ebay.* etsy.com aliexpress.* alibaba.com alibaba.* temu.com shein.com shein.* wish.com
    cdiscount.com fnac.com fnac.* darty.com boulanger.com rueducommerce.fr rakuten.* priceminister.com
    laredoute.* zalando.* asos.com veepee.* showroomprive.com manomano.* leroymerlin.* castorama.fr
    bricodepot.fr bricomarche.com ikea.com conforama.fr but.fr maisonsdumonde.com carrefour.fr carrefour.com
    auchan.fr e.leclerc leclercdrive.fr intermarche.com monoprix.fr casino.fr lidl.* aldi.* decathlon.*
    intersport.fr go-sport.com sephora.* ldlc.com materiel.net topachat.com grosbill.com electrodepot.fr
    backmarket.* vinted.* vestiairecollective.com depop.com leboncoin.fr paruvendu.fr vivastreet.com
    topannonces.fr wallapop.com gumtree.com craigslist.org kleinanzeigen.de 2ememain.be marktplaats.nl
    kijiji.ca seloger.com bienici.com logic-immo.com pap.fr lacentrale.fr autoscout24.* mobile.de
    walmart.com walmart.* target.com bestbuy.com costco.com homedepot.com lowes.com wayfair.* newegg.com
    argos.co.uk tesco.com sainsburys.co.uk currys.co.uk johnlewis.com notonthehighstreet.com mercari.com
    bol.com coolblue.* mediamarkt.* otto.de allegro.* emag.ro ozon.ru mercadolibre.* jumia.* flipkart.com
    booking.com airbnb.* expedia.* tripadvisor.* hotels.com ubereats.com deliveroo.* just-eat.* groupon.*
    europages.* thomasnet.com made-in-china.com globalsources.com dhgate.com indiamart.com tradeindia.com
    agriaffaires.com machineryzone.* via-mobilis.com directindustry.* archiexpo.*
  `),
  suffixes: [],
  hostParts: entries('annonce marketplace brocante enchere auction classified vide-grenier bonscoins'),
  keywords: phrases(`
    marketplace | place de marche | petites annonces | annonces gratuites | vendeurs professionnels et particuliers
    | encheres en ligne | online auction | classified ads | free classifieds | annonces de particuliers
    | vendeurs tiers | third party sellers | deposer une annonce | post an ad
  `),
  keywordsNeeded: USUAL_NEED,
  penalty: 0,
}
