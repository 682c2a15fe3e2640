import { type Category, entries, phrases, USUAL_NEED } from './category.ts'

/** Registrars, domain auctions and the places where unused domains point. */
export const PARKING: Category = {
  name: 'parking',
  label: 'registrar or parked domain',
  domains: entries(`
    sedo.com sedoparking.com dan.com afternic.com hugedomains.com parkingcrew.net bodis.com undeveloped.com
    above.com namebright.com buydomains.com domainmarket.com brandbucket.com squadhelp.com atom.com epik.com
    dynadot.com namecheap.com namesilo.com godaddy.com godaddy.* secureserver.net porkbun.com name.com
    domain.com networksolutions.com register.com enom.com tucows.com hover.com uniregistry.com spaceship.com
    domainnameshop.com expireddomains.net dropcatch.com snapnames.com kifdom.com youdot.io nidoma.com
    ovh.com ovh.net ovhcloud.com gandi.net ionos.* lws.fr amen.fr nordnet.com one.com hostinger.*
    bluehost.com hostgator.com dreamhost.com siteground.* infomaniak.com o2switch.fr planethoster.com
    searchvity.com skenzo.com voodoo.com domainsponsor.com smartname.com trafficz.com fabulous.com
  `),
  suffixes: [],
  hostParts: entries('parking-domain parkedpage domain-for-sale domainforsale'),
  keywords: phrases(`
    domain for sale | this domain is for sale | buy this domain | nom de domaine a vendre | ce domaine est a vendre
    | acheter ce nom de domaine | parked domain | domaine expire | domain expired | make an offer on this domain
  `),
  keywordsNeeded: USUAL_NEED,
  penalty: 0,
}
