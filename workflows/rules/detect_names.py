"""What the name of a column or table says, in Finnish, Swedish or English, abbreviated or in one word."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PARTS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class NameSign:
    """A meaning that a name speaks for: how strongly, and the word that does."""

    meaning: str
    weight: float
    word: str


_WORDS: tuple[tuple[str, float, str], ...] = (
    # meaning, weight, words: the special before the general, since the first that fits counts
    ("national_id", 0.9, "hetu henkilotunnus sotu personbeteckning personnummer ssn nationalid socialsecuritynumber"),
    ("password", 0.9, "salasana password passwd losenord pwhash passwordhash pinkoodi"),
    ("username", 0.7, "kayttajatunnus kayttajanimi username login loginname anvandarnamn"),
    ("email", 0.85, "email emailaddress sahkoposti sahkopostiosoite sposti epost epostadress eposti mail mailaddress"),
    ("phone_number", 0.8, "puhelin puhelinnumero puhelinnro puh puhnro gsm matkapuhelin kannykka telefon telefonnummer"
     " tel tfn mobil mobiltelefon mobile phone phonenumber phoneno msisdn cellphone faksi fax"),
    ("iban", 0.8, "iban tilinumero tilinro pankkitili kontonummer bankkonto bankaccount bankaccountnumber"),
    ("card", 0.8, "korttinumero korttinro cardnumber cardno kortnummer creditcard luottokortti"),
    ("reference_number", 0.7, "viite viitenumero viitenro referensnummer referenznr paymentreference maksuviite"),
    ("gsrn", 0.8, "gsrn kayttopaikka kayttopaikkatunnus kayttopaikkanro mittauspaikka meteringpoint meteringpointid"
     " driftsplats matpunkt"),
    ("business_id", 0.7, "ytunnus fonummer fonr businessid vatid vatnumber orgnr organisationsnummer"),
    ("customer_number", 0.8, "asnro asiakasnro asiakasnumero asiakastunnus asiakasid asno kundnr kundnummer kundid"
     " customerno customernumber customernr customerid clientid clientno jasennumero jasennro memberid memberno"
     " medlemsnummer henkiloid personid"),
    ("last_name", 0.9, "sukunimi efternamn slaktnamn surname lastname familyname"),
    ("first_name", 0.9, "etunimi etunimet kutsumanimi fornamn tilltalsnamn firstname forename givenname"),
    ("birth_date", 0.9, "syntynyt syntymaaika syntymapaiva syntymapvm fodelsedatum fodd fodelsedag fodelsetid birthdate"
     " birthday dateofbirth dob born"),
    ("gender", 0.8, "sukupuoli kon gender sex"),
    ("postcode", 0.8, "postinro postinumero pnro postnummer postnr postcode zip zipcode postalcode"),
    ("city", 0.6, "postitoimipaikka ptp kaupunki kotikunta paikkakunta postort ort bostadsort stad city town"),
    ("street", 0.75, "katu katuosoite lahiosoite osoite osoiterivi postiosoite kotiosoite gatuadress gata adress"
     " hemadress postadress street streetaddress address addressline homeaddress"),
    ("language", 0.6, "kieli asiointikieli aidinkieli sprak kontaktsprak modersmal language lang preferredlanguage"),
    ("protected", 0.85, "turvakielto sparrmarkering skyddad skyddadadress protectedaddress"),
    ("preference", 0.7, "markkinointilupa markkinointikielto suoramarkkinointi suostumus kielto samtycke forbud"
     " consent optin optout marketingconsent donotcall"),
    ("health", 0.8, "diagnoosi terveys terveystieto sairaus halsa diagnos diagnosis health disability vammaisuus"),
    ("job", 0.6, "ammatti titteli tehtavanimike yrke titel jobtitle occupation profession"),
    ("ip", 0.8, "ip ipaddress ipaddr iposoite ipadress remoteaddr clientip"),
    ("location", 0.7, "latitude longitude lat lng koordinaatit koordinater gps"),
    ("consumption", 0.5, "kulutus kwh lukema mittarilukema forbrukning avlasning consumption meterreading"),
    ("money", 0.5, "saldo velka palkka tulot avoinsaldo skuld inkomst balance debt salary income"),
    ("full_name", 0.85, "kokonimi henkilonimi asiakasnimi yhteyshenkilo fullname personname customername contactname"
     " kontaktperson cardholder kortinhaltija haltija vastaanottaja mottagare recipient maksaja betalare payer"),
    ("text", 0.5, "huomautus huom huomio muistio lisatieto lisatiedot lisatietoja viesti kommentti teksti vapaateksti"
     " fritext anteckning anmarkning meddelande kommentar text note notes comment comments remark remarks message"
     " freetext memo body"),
    ("name", 0.4, "nimi namn name"),
)  # fmt: skip

_WHOLE: Mapping[str, tuple[str, float]] = {
    word: (meaning, weight) for meaning, weight, words in _WORDS for word in words.split()
}
_LONG = sorted((w for w in _WHOLE if len(w) >= 6), key=len, reverse=True)
"""Words long enough to be told inside a compound; a shorter one would be found everywhere."""

_PEOPLE_WORDS = (
    "asiakas asiakkaat asiakasrekisteri kund kunder customer customers client clients henkilo henkilot person persons",
    "people user users kayttaja kayttajat anvandare jasen jasenet medlem medlemmar member members tilaaja tilaajat",
    "subscriber subscribers contact contacts potilas patient patients subject subjects account holder",
)
_STAFF_WORDS = ("employee employees tyontekija tyontekijat anstalld anstallda staff henkilosto agent agents",)
_PEOPLE = frozenset(word for line in _PEOPLE_WORDS for word in line.split())
_STAFF = frozenset(word for line in _STAFF_WORDS for word in line.split())


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name: `asiakasNro`, `ASIAKAS_NRO` and `asiakas-nro2` are the same two."""
    split = _CAMEL.sub(" ", name)
    plain = unicodedata.normalize("NFKD", split).encode("ascii", "ignore").decode().casefold()
    parts = (part.rstrip("0123456789") if len(part) > 3 else part for part in _PARTS.split(plain))
    return tuple(part for part in parts if part)


@lru_cache(maxsize=50_000)
def sign_of(name: str) -> NameSign | None:
    """What a column's name speaks for; None where it says nothing we know."""
    words = words_of(name)
    for length in range(min(len(words), 4), 0, -1):  # the longest run of words, the last one first
        for start in range(len(words) - length, -1, -1):
            joined = "".join(words[start : start + length])
            if joined in _WHOLE:
                meaning, weight = _WHOLE[joined]
                return NameSign(meaning, weight, joined)
    joined = "".join(words)
    for word in _LONG:
        if word in joined:
            meaning, weight = _WHOLE[word]
            return NameSign(meaning, weight * 0.9, word)
    return None


def names_people(table: str) -> bool:
    """Whether a table is called after customers, persons, members …"""
    words = words_of(table)
    return any(word in _PEOPLE for word in (*words, "".join(words)))


def names_staff(table: str) -> bool:
    """Whether a table is called after the controller's own people, who are not the ones who usually ask."""
    return any(word in _STAFF for word in words_of(table))
