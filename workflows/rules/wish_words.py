"""Words and phrases by which people ask for their rights, in Finnish, Swedish and English.

Each pattern has a weight: how sure one is, from this phrase alone, that the right is asked for. Patterns meet
text in lower case with single spaces.
"""

from collections.abc import Mapping

from models.vocabulary import Right

DATA = (
    r"(?:omat |omia |kaikki |kaikkia |kaikkea |mun |minun |henkilökohtaiset ){0,5}"
    r"(?:henkilö|asiakas|asioin|rekisteri|yhteys|käyttäjä|kulutus|mittaus)?tie(?:to|do|toj|toih)\w*"
)
UPPGIFTER = (
    r"(?:alla |alla de |de |mina |mitt |all |min |era |person|kund|samtliga ){0,5}(?:person|kund)?"
    r"(?:uppgifter|uppgifterna|data|information|konto|kundkonto|kundregister)"
)
MY_DATA = (
    r"(?:all |any |of |the |my |our |personal |customer |account |private |every ){0,6}"
    r"(?:data|information|details|records?|(?<=my )account|(?<=customer )account)\b"
)
MINE = (
    r"(?:(?:omat |omia |omiin |omien |omista |mun |henkilö|asiakas|rekisteri|kulutus"
    r"|mittaus)+tie(?:to|do|toj|toih)\w*"
    r"|tie(?:toja|to|do|dois)\w*(?:ni|nsa)\b|tie(?:to|do)\w*,? (?:mitä |joita "
    r"|jotka )?(?:teillä on )?(?:minusta|musta|itsestäni)"
    r"|(?:minua|itseäni) koskev\w+ (?:kaikki )?(?:henkilö)?tie(?:to|do)\w*|tie(?:to"
    r"|do)\w*[^.!?\n]{0,40}(?:minusta|itsestäni)\b)"
)
_ADVERTS = r"(?:uutiskir|markkinoin|mainos|mainon|postituslist)"
_SOME = r"(?:[^.!?\n]{0,60}?)"

WORDS: Mapping[Right, tuple[tuple[float, str], ...]] = {
    Right.ACCESS: (
        (0.9, r"tarkastus(?:pyyn|oikeu)\w+|tietopyyn\w+|tarkastaa " + DATA),
        (
            0.85,
            rf"(?:haluan|haluaisin|pyydän|sais(?:inko|iko|ko)|saanko|voinko|voisinko|vaadin"
            rf"|toivon){_SOME}(?:tietää|nähdä"
            rf"|tarkistaa|tarkastaa|kopio\w*|saada|teiltä){_SOME}{MINE}",
        ),
        (
            0.85,
            rf"(?:lähettä|toimitta|antaka|anta)\w*{_SOME}{MINE}"
            rf"|lähettä\w*{_SOME}tiedot\b{_SOME}(?:minusta|musta)\b",
        ),
        (0.8, rf"pääsy\w*{_SOME}{MINE}|onko (?:minusta|musta)\b{_SOME}tie(?:to|do)\w*"),
        (0.8, r"(?:haluan|haluaisin|pyydän)[^.!?\n]{0,40}?\w*puhelutallen\w*"),
        (
            0.85,
            rf"(?:mitä|millaisia|mitkä) {DATA}{_SOME}(?:minusta|musta|meistä|itsestäni|hänestä"
            rf"|on tallennettu|keräätte|säilytätte)",
        ),
        (0.85, rf"(?:kopio|jäljennö|ote)\w*{_SOME}(?:{DATA}|rekisteri\w*)"),
        (0.8, rf"lähettä(?:kää|isittekö|kääs){_SOME}(?:minusta|minua|itseäni|omat|kaikki){_SOME}tie(?:to|do)\w*"),
        (
            0.8,
            r"(?:minusta|itsestäni) (?:tallennet|kerät|rekisteröi|oleva)\w*|rekisteriote\w*"
            r"|omien tietojen\w* tarkast\w*",
        ),
        (0.75, r"15\.? ?artikla\w*|artikla\w* 15\b|artikel 15\b|art(?:icle|\.)? ?15\b"),
        (0.9, r"registerutdrag\w*|subject access request|data subject access|\bd?sar request|\bdsar\b|insynsrätt\w*"),
        (
            0.85,
            rf"(?:vilka|vad för|vilken){_SOME}(?:uppgifter|information|data)\b{_SOME}(?:om mig|har ni"
            rf"|lagra|sparat|behandlar)",
        ),
        (
            0.85,
            rf"(?:ta del av|få ut|få en kopia|kopia (?:av|på)|utdrag (?:av|ur|på)|(?:få |begär "
            rf"|vill ha )?tillgång till|se)\b{_SOME}"
            r"(?:uppgifter|uppgifterna|data|register\w*|information)\b",
        ),
        (
            0.85,
            rf"(?:alla|all|allt|de) (?:person)?(?:uppgifter|data|information){_SOME}om mig\b"
            rf"|(?<!bort )(?<!radera )(?<!raderar )allt (?:som )?ni (?:har|vet) om mig",
        ),
        (0.85, rf"vad (?:ni|du) har för (?:information|uppgifter){_SOME}om mig\b"),
        (0.8, r"vad (?:ni|du|företaget) (?:har|vet|lagrar|sparar) om mig|granska mina (?:person)?uppgifter"),
        (0.85, rf"(?:copy|copies|extract){_SOME}(?:of|from){_SOME}(?:data|information|records?)\b"),
        (
            0.85,
            rf"(?:what|which|all|any){_SOME}(?:data|information){_SOME}(?:about|on|concerning"
            rf"|relating to|regarding) me\b",
        ),
        (0.85, rf"(?:right of access|access to {MY_DATA}|access my (?:personal )?(?:data|information))"),
        (
            0.8,
            r"(?<!erase )(?<!delete )(?<!remove )everything (?:that )?you (?:have|hold|know"
            r"|store) (?:on|about) me|(?:send|give) me everything",
        ),
        (0.8, r"what (?:do )?you (?:know|hold|have|store|keep) (?:about|on) me|see (?:all )?my (?:personal )?data"),
    ),
    Right.PORTABILITY: (
        (
            0.9,
            r"siirto-?oikeu\w+|tietojen siirt\w+ järjestelmästä|siirrettävyy\w+|koneluettav\w+"
            r"|koneellisesti luettav\w+",
        ),
        (0.85, rf"(?:siirtä|siirrä|siirto)\w*{_SOME}{DATA}{_SOME}(?:toise|uude|järjestelm|palvelu|yhtiö)\w*"),
        (0.8, rf"(?:kulutustie|mittaustie|tuntitie|tie)(?:do|to)\w*{_SOME}(?:csv|json|excel|taulukko)\w*"),
        (0.75, r"20\.? ?artikla\w*|artikla\w* 20\b|artikel 20\b|art(?:icle|\.)? ?20\b"),
        (0.9, r"dataportabilitet\w*|rätt till överföring|maskinläsbar\w*"),
        (0.85, rf"(?:överför|flytta|föra över){_SOME}(?:uppgifter|data)\b{_SOME}till"),
        (0.85, rf"(?:uppgifter|data)\b{_SOME}(?:överför\w+|flyttad\w*|flyttas) till"),
        (0.9, r"data portability|right to portability|machine[- ]readable|port my data"),
        (0.85, rf"(?:transfer|transmit|move|export){_SOME}my{_SOME}(?:data|information|records){_SOME}(?:to|as|in)\b"),
    ),
    Right.ERASURE: (
        (
            0.9,
            rf"poista(?:kaa|kaas|isitteko|isittekö|a|nne|tte|ttehan|ttava|maan|mista)?\b{_SOME}(?:{DATA}|minut"
            rf"|mut\b|nimeni\b|asiakkuu\w+|tili(?:ni|n)\b)",
        ),
        (0.9, rf"{DATA}[^.!?,\n]{{0,60}}?(?:poista|poisto|tuhotta|tuhoa|hävit|unohd|poistet)\w*"),
        (0.9, r"\bminut (?:pitää|tulee|on|saa|voi) poistaa"),
        (0.9, rf"(?:tuho(?:tkaa|ta|amaan|atte|isitteko)|hävittä(?:kää|ä|mään)|anonymiso\w*){_SOME}{DATA}"),
        (
            0.9,
            r"tulla (?:kokonaan )?unohdetuksi|oikeu\w+ tulla unohdetuksi|unohtakaa minut"
            r"|poistopyyn\w+|tietojen poist\w+",
        ),
        (0.75, r"17\.? ?artikla\w*|artikla\w* 17\b|artikel 17\b|art(?:icle|\.)? ?17\b"),
        (0.9, rf"(?:radera(?:r|s|de)?|ta bort|tar bort|förstör|utplåna|anonymisera)\b(?! inte){_SOME}{UPPGIFTER}"),
        (
            0.9,
            rf"(?:mina (?:person)?uppgifter|all (?:min )?data|mitt konto){_SOME}(?:raderas|tas bort"
            rf"|raderade|borttagna|bort)",
        ),
        (
            0.9,
            rf"(?:radera|raderar|ta bort|tar bort|stryk) (?:mig\b|allt\b{_SOME}mig\b)"
            rf"|bli(?:r)? (?:raderad|borttagen)\b",
        ),
        (0.9, r"rätt\w* att bli (?:bort)?glömd\w*|rätt till radering|bli glömd|radering av mina"),
        (
            0.9,
            rf"(?:delete|deleted|deleting|erase|erased|wipe|remove|destroy|purge|anonymi[sz]e){_SOME}(?:{MY_DATA}"
            rf"|me from|everything[^.!?\n]{{0,20}}(?:about|on) me)",
        ),
        (
            0.85,
            rf"(?:my|personal) (?:personal )?(?:data|information|details|account){_SOME}"
            r"(?:be |to be |is )?(?:deleted|erased|removed|destroyed|wiped)",
        ),
        (
            0.9,
            r"right to (?:be forgotten|erasure)|forget me|erasure request|get rid of (?:it|my|all)"
            r"|erasure of (?:my|all|personal)|deletion of my",
        ),
    ),
    Right.RECTIFICATION: (
        (
            0.85,
            rf"(?:oikais|korja|korjat|päivit)\w*{_SOME}{DATA}|oikaisupyyn\w+|(?:tiedot|nimi"
            rf"|osoite)\w*{_SOME}väärin",
        ),
        (
            0.85,
            rf"(?:rätta|rättas|korrigera|rättelse){_SOME}(?:uppgift\w*|namn|adress|data)"
            rf"|felaktig\w* (?:person)?uppgift\w*",
        ),
        (0.85, rf"(?:correct|rectify|rectification){_SOME}(?:data|information|address|name|details|record)"),
        (0.7, r"16\.? ?artikla\w*|artikel 16\b|art(?:icle|\.)? ?16\b"),
    ),
    Right.RESTRICTION: (
        (0.85, rf"(?:rajoitta|rajoitu)\w*{_SOME}käsittely\w*|käsittelyn rajoit\w+"),
        (0.85, r"begräns\w*[^.!?\n]{0,40}behandling\w*"),
        (0.85, rf"restrict\w*{_SOME}processing"),
        (0.7, r"18\.? ?artikla\w*|artikel 18\b|art(?:icle|\.)? ?18\b"),
    ),
    Right.OBJECTION: (
        (0.85, rf"vastusta\w*{_SOME}(?:käsittely\w*|profiloin\w*)|vastustamisoikeu\w+"),
        (0.85, rf"(?:invänder|invändning|motsätter mig){_SOME}(?:behandling\w*|profilering)"),
        (0.85, rf"\bobject\b{_SOME}(?:processing|profiling)|right to object"),
        (0.7, r"21\.? ?artikla\w*|artikel 21\b|art(?:icle|\.)? ?21\b"),
    ),
    Right.MARKETING_BAN: (
        (
            0.85,
            rf"(?:kiell|kielto|lopet|älkää|en halua|ei enää|lopettakaa){_SOME}\w*(?:markkinoin|mainos"
            rf"|mainon|uutiskirje|puhelinmyyn)\w*",
        ),
        # A line that says nothing else, as one answers a newsletter.
        (0.9, r"(?<![^\n])(?:stop|stopp|seis)[ .!]*(?![^\n])"),
        (
            0.9,
            r"(?<![^\n])(?:please )?(?:unsubscribe|avregistrera|avprenumerera|opt[- ]?out)(?: me| mig)?[ .!]*(?![^\n])",
        ),
        (0.85, r"(?<!not )(?<!n't )(?<!you )\b(?:unsubscribe me|(?:avregistrera|avprenumerera) mig)\b"),
        (
            0.85,
            r"(?<!not )(?<!n't )\b(?:want|like|try\w*|please|vill) (?:to|att)? ?(?:unsubscribe|opt out|avbeställa)",
        ),
        (0.5, r"(?:unsubscribe|avregistrera|avprenumerera|avbeställ)\w*"),
        (0.5, rf"(?:peru|lopet|estä|kiel)\w*{_SOME}\w*{_ADVERTS}\w*|\w*{_ADVERTS}\w*{_SOME}(?:loppu|lopet|pois\b)\w*"),
        (0.85, rf"(?:peruuttakaa|perukaa|poistakaa|haluan peru\w*){_SOME}\w*(?:uutiskir|postituslist|mainosvies)\w*"),
        (0.85, rf"(?:vänligen avsluta|avbeställ\w*|avregistrera|säg\w* upp){_SOME}\w*(?:nyhetsbrev|reklam|utskick)\w*"),
        (0.85, r"suoramarkkinointikielto\w*|markkinointikielto\w*|markkinointilu\w+ pois"),
        (
            0.85,
            rf"(?:inte|sluta|spärra|ingen|inga|stoppa){_SOME}\w*(?:reklam|marknadsföring|nyhetsbrev"
            rf"|telefonförsäljning)\w*",
        ),
        (
            0.85,
            rf"(?:stop|unsubscribe|opt[- ]?out|no more|do not|don't){_SOME}(?:marketing|newsletter"
            rf"|advert\w*|promotional)",
        ),
    ),
    Right.WITHDRAW_CONSENT: (
        (0.9, rf"(?:peruuta|peruu|perun|vedän|vetää){_SOME}suostumu\w+|suostumu\w+{_SOME}(?:peru\w+|takaisin)"),
        (0.9, rf"(?:återkallar|återkalla|drar tillbaka|ta tillbaka){_SOME}samtycke\w*"),
        (0.9, rf"(?:withdraw|revoke){_SOME}consent"),
    ),
}

NEGATED = (
    r"(?:älkää|älä|ei saa|en halua|en pyydä|en ole pyytä\w+|inte(?: att)?|do not|don't|not (?:want"
    r"|ask\w*)|never|ei tarvitse"
    r"|why (?:did|have|was|were)|miksi|varför)(?:\W+\w+){0,5}\W*$"
)
"""Directly before a phrase in the same sentence: the right is not asked for, or it is asked why something happened."""

TOLD = (
    r"(?:\b(?:did|have|has|had) (?:you|they|somebody|someone|anybody|i)\b(?:\W+\w+){1,4}"
    r"|\b(?:har|hade) (?:ni|jag|någon)\b(?:\W+\w+){1,4}|\bvem (?:har )?\w+"
    r"|\b(?:oletteko|onko|kuka)\b(?:\W+\w+){1,4}|\bwho (?:has |have )?\w+"
    r"|\b(?:i|we|you)(?: have| had)?(?: already)? (?:deleted|erased|wiped|removed|destroyed|purged)"
    r"|\b(?:he|she|they|(?:someone|somebody)(?: else)?|(?:my|an?|the) [\w-]+)(?: has| have| had)? asked (?:you )?to \w+"
    r"|\bthank(?: you|s)(?: \w+){0,2} for \w+|\btack\b(?: \w+){0,2} för att (?:ni|du)(?: har)? \w+)$"
)
"""Up to the first word of an erasure: it is told or asked that something was erased, or who else wished for it, which
is no wish."""

OPPOSED = (
    r"\b(?:(?:cancel|withdraw|revoke|retract|stop|halt|oppose)(?:l?ing|l?ed|s)?|object to|against"
    r"|peruut\w*|peru[an]\b|perukaa|keskeyt\w*|pysäyt\w*|estäkää|vastusta\w*"
    r"|återkalla\w*|avbryt\w*|stoppa\w*|ångra\w*|(?:drar|tar|ta) tillbaka|motsätter mig|invänder mot)"
    r"(?: (?:my|the|this|that|any|your|earlier|requests?|for|to|of|you|from|tämän|tämä|sen|minun|omien|aiemman|kaikkien"
    r"|pyyn\w+|min|mitt|begäran|om|att|den|all|er|ni|tidigare)\b){0,5} $"
    r"|\b(?:aldrig (?:bett|begärt|velat)|(?:koskaan|ikinä) (?:pyytänyt|halunnut))\b(?:\W+\w+){0,4}\W*$"
)
"""Directly before what would rest or be erased: it is called off, or somebody is against it."""

UNOPPOSED = r"(?:\b(?:en|emme|ei) vastusta|(?:invänder|motsätter mig) (?:\w+ )?inte\b)"
"""Up to the end of an objection: there is none."""

TURNED = r"\b(?:nothing|anything|ingenting|inget|någonting|något|mitään|but|men|utan|mutta|vaan)\b"
"""Inside a phrase of erasure: what stands behind it is not what is to be erased."""

RECITED = (
    r"(?:(?:existence|information|notice) (?:of|about|on) (?:the |my |a )?rights?"
    r"|förekomsten av|information om (?:min |mina )?rätt"
    r"|oikeudes\w+ (?:pyytää|saada|vaatia)|olemassaolo\w*)[^.;\n]{0,250}"
    r"|rectification or erasure\b[^.;\n]{0,200}|rättelse eller radering\b[^.;\n]{0,200}"
    r"|oikaisemi\w+ tai poistami\w+[^.;\n]{0,200}"
)
"""The list of GDPR Art. 15(1)(e), which careful access requests recite: information about rights, not their use."""

WANTED = (
    r"\b(?:haluan|haluaisin|pyydän|mutta|vaan|önskar|begär|men|utan"
    r"|(?<!not )(?<!n't )(?:want|ask)|would like|please|but)\b"
)
"""A new wish begins here: a negation before it is about something else."""

ON_BEHALF = (
    r"(?:äitini|isäni|vaimoni|mieheni|puolisoni|poikani|tyttäreni|lapseni|mummoni|asiakkaani"
    r"|päämieheni|vanhempieni|siskoni"
    r"|veljeni|isoäitini|naapurini|hänen|toisen henkilön|huollettavani)[^.!?\n]{0,40}(?:puolesta"
    r"|tiedot|tietoja|tietojen|tietonsa)"
    r"|\bvaltakirja\w*|\bvaltuutettuna\b|edunvalvoja\w*|edunvalvonta\w*|kuolinpesä\w*|\bpäämieheni\b"
    r"|edesmen\w+|huoltajana\b"
    r"|\bfullmakt\w*|god man\b|förvaltare för|dödsbo\w*|vårdnadshavare|min klient\b|för min (?:mammas"
    r"|pappas|mans|frus|sons"
    r"|dotters|mors|fars|makes|makas|mors) räkning|å min \w+ vägnar|(?:min mammas|min pappas"
    r"|mitt barns|min sons|min dotters)"
    r" (?:person)?uppgifter|för (?:hans|hennes) räkning"
    r"|on behalf of|power of attorney|my client\b|letter of authority|as (?:the )?(?:legal )?guardian"
    r"|(?:my (?:late )?(?:mother|father"
    r"|husband|wife|son|daughter|child|grandmother|grandfather|partner))'s (?:personal )?(?:data"
    r"|information|account|details)"
    r"|executor of|deceased\b|my late (?:mother|father|husband|wife)|estate of"
    r"|\b(?:about|on|of|concerning) my (?:mother|father|husband|wife|spouse|son|daughter|child|grandmother"
    r"|grandfather|partner|tenant|employee|neighbour)\b"
    r"|\b(?:om|på|gällande) min (?:fru|man|maka|make|mamma|pappa|mor|far|son|dotter|sambo|hyresgäst|granne)\b"
    r"|\b(?:äidistäni|isästäni|vaimostani|miehestäni|puolisostani|pojastani|tyttärestäni|lapsestani"
    r"|mummostani|vuokralaisestani|naapuristani|työntekijästäni)\b"
)
"""Somebody writes for somebody else, or about a dead person."""

VAGUE = (
    r"\bgdpr\b|tietosuoja-?asetu\w*|tietosuoja\w*|rekisteröidyn oikeu\w+|henkilötie(?:to|do)\w*"
    r"|dataskydd\w*|personuppgift\w*"
    r"|data protection|personal data|privacy|yksityisyy\w*|tietojani|mina uppgifter|my data"
    r"|omat tiedot|omia tietoja"
)
"""The subject is data protection, but what is wanted is not said."""
