import { type Category, entries, phrases, USUAL_NEED } from './category.ts'

/** Brokers of businesses, franchises and commercial leases. */
export const BUSINESS_SALES: Category = {
  name: 'business_sale',
  label: 'sale of businesses or franchises',
  domains: entries(`
    fusacq.com cessionpme.com bpifrance-transmission.fr transentreprise.com pmecession.fr actoria.fr actoria.*
    placedescommerces.com bureauxlocaux.com geolocaux.com cession-commerce.com cessiondentreprise.com
    michelsimond.com cra.asso.fr cra-asso.fr reprise-entreprise.fr
    transmission-entreprise.fr acheter-entreprise.fr fonds-de-commerce.com annonces-commerces.com
    entreprises-a-reprendre.com objectifreprise.fr alvo.market dealsuite.com
    intercessio.fr lemarchedelatransmission.fr absoluce.net synercom-france.fr
    toute-la-franchise.com observatoiredelafranchise.fr franchise-magazine.com ac-franchise.com
    franchise-fff.com franchiseexpoparis.com franchise.com
    bizbuysell.com businessesforsale.com bizquest.com rightbiz.co.uk daltonsbusiness.com loopnet.com
    flippa.com empireflippers.com acquire.com microacquire.com axial.net businessbroker.net sunbeltnetwork.com
    transworldbusinessadvisors.com mergernetwork.com dealstream.com
    dub.de nexxt-change.org overnamemarkt.be
  `),
  suffixes: [],
  hostParts: entries(
    '.cession -cession transmission-entreprise reprise-entreprise fonds-de-commerce businessforsale franchise fusion-acq',
  ),
  keywords: phrases(`
    cession d entreprise | entreprise a vendre | entreprises a vendre | fonds de commerce | reprise d entreprise
    | transmission d entreprise | a ceder | cedant | repreneur | business for sale | businesses for sale
    | buy a business | sell your business | franchise opportunity | ouvrir une franchise | business broker
  `),
  keywordsNeeded: USUAL_NEED,
  penalty: 0.4,
}
