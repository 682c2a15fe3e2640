import { type Category, entries, phrases, USUAL_NEED } from './category.ts'

/** Review sites, software comparators, rankings of products, coupons and price comparison. */
export const COMPARISONS: Category = {
  name: 'comparison',
  label: 'review or comparison site',
  domains: entries(`
    trustpilot.com trustpilot.* avis-verifies.com verified-reviews.com societe-des-avis-garantis.fr
    guest-suite.com custplace.com eldo.com immodvisor.com opinionsystem.fr sitejabber.com reviews.io feefo.com
    capterra.* getapp.* softwareadvice.* g2.com g2crowd.com trustradius.com sourceforge.io saasworthy.com
    financesonline.com crozdesk.com softwaresuggest.com softwareworld.co slashdot.org producthunt.com
    saashub.com stackshare.io gartner.com forrester.com peerspot.com itcentralstation.com
    comparatif-logiciels.fr logiciels.pro celge.fr independant.io companeo.com
    lesfurets.com lelynx.fr meilleurtaux.com hellosafe.fr selectra.info papernest.com
    quechoisir.org 60millions-mag.com idealo.* kelkoo.* twenga.* leguide.com ledenicheur.fr pricerunner.*
    shopzilla.* shopping.com pricespy.* which.co.uk consumerreports.org moneysupermarket.com
    comparethemarket.com gocompare.com uswitch.com nerdwallet.com bankrate.com
    retailmenot.* poulpeo.com igraal.com dealabs.com ma-reduc.com radins.com couponfollow.com honey.com
    toptenreviews.com techradar.com tomsguide.com pcmag.com meilleur-choix.fr
  `),
  suffixes: [],
  hostParts: entries(
    'comparat comparer comparison compare- avis- reviews coupon codepromo code-promo meilleurs- top10 top-10',
  ),
  keywords: phrases(`
    comparatif | comparateur | comparez les offres | compare prices | price comparison | code promo | promo codes
    | avis clients verifies | verified reviews | classement des meilleurs | best software | top 10
    | user reviews and pricing | comparer les logiciels
  `),
  keywordsNeeded: USUAL_NEED,
  penalty: 0,
}
