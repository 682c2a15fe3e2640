import { type Category, entries, phrases } from './category.ts'

/** Press, television and radio for the general public; a trade journal may well be a competitor and stays. */
export const MEDIA: Category = {
  name: 'media',
  label: 'general media',
  domains: entries(`
    lemonde.fr lefigaro.fr liberation.fr leparisien.fr humanite.fr la-croix.com lesechos.fr latribune.fr
    lexpress.fr lepoint.fr nouvelobs.com marianne.net valeursactuelles.com mediapart.fr parismatch.com
    20minutes.fr 20min.ch huffingtonpost.fr huffpost.com slate.fr slate.com atlantico.fr challenges.fr capital.fr
    lopinion.fr courrierinternational.com monde-diplomatique.fr ouest-france.fr sudouest.fr ladepeche.fr
    lavoixdunord.fr leprogres.fr ledauphine.com dna.fr estrepublicain.fr laprovence.com nicematin.com
    midilibre.fr lamontagne.fr letelegramme.fr charentelibre.fr paris-normandie.fr lunion.fr actu.fr
    francetvinfo.fr france.tv francebleu.fr ici.fr radiofrance.fr franceinter.fr franceculture.fr rfi.fr
    france24.com tf1.fr tf1info.fr lci.fr bfmtv.com cnews.fr europe1.fr rtl.fr rmc.fr m6.fr 6play.fr arte.tv
    lequipe.fr eurosport.* telerama.fr programme-tv.net gala.fr closermag.fr voici.fr femmeactuelle.fr elle.fr
    marieclaire.fr cosmopolitan.fr doctissimo.fr linternaute.com journaldunet.com journaldesfemmes.fr
    commentcamarche.net clubic.com numerama.com 01net.com frandroid.com lesnumeriques.com futura-sciences.com
    science-et-vie.com geo.fr usinenouvelle.com usine-digitale.fr lemoniteur.fr bpifrance-creation.fr
    maddyness.com frenchweb.fr siecledigital.fr bonnegueule.fr konbini.com brut.media vice.com
    rtbf.be lesoir.be lalibre.be dhnet.be rts.ch letemps.ch tdg.ch 24heures.ch lapresse.ca ledevoir.com
    radio-canada.ca journaldemontreal.com luxtimes.lu wort.lu
    nytimes.com washingtonpost.com wsj.com usatoday.com latimes.com cnn.com foxnews.com nbcnews.com
    cbsnews.com npr.org bloomberg.com reuters.com apnews.com afp.com forbes.* fortune.com
    businessinsider.* entrepreneur.com inc.com fastcompany.com time.com newsweek.com theatlantic.com
    newyorker.com economist.com ft.com bbc.co.uk bbc.com theguardian.com telegraph.co.uk independent.co.uk
    dailymail.co.uk thesun.co.uk mirror.co.uk thetimes.co.uk sky.com itv.com euronews.com politico.com
    politico.eu axios.com techcrunch.com theverge.com wired.com engadget.com arstechnica.com cnet.com
    zdnet.com zdnet.fr mashable.com gizmodo.com venturebeat.com buzzfeed.com msn.com yahoo.* aol.com
    globeandmail.com cbc.ca thestar.com abc.net.au smh.com.au spiegel.de zeit.de elpais.com elmundo.es
    corriere.it repubblica.it aljazeera.com scmp.com
  `),
  suffixes: [],
  hostParts: entries(
    'news journal gazette tribune actualite presse radio magazine infos times herald depeche',
  ),
  keywords: phrases(`
    info en direct | informations en direct | breaking news | latest news | toute l actualite | a la une | faits divers
    | presse quotidienne | edition abonnes | article reserve aux abonnes | subscribers only | programme tv
    | horoscope | meteo du jour | replay | necrologie | politique economie sport | news sport weather
    | journal en ligne | newspaper | celebrity | people et stars | world news
  `),
  keywordsNeeded: { withHost: 2, alone: 4 },
  penalty: 0,
}
