"""Which of our three languages a text is in, by its small words."""

import re
import unicodedata
from collections.abc import Mapping

_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "fi": "ja on ei että en se hän minä olen oli ovat mitä mikä joka jotka kun jos niin myös tai sekä minulla minun"
        " minusta teillä teidän tietoni tietoja tiedot tietojani tietojen kaikki haluan haluaisin pyydän voitteko"
        " voisitteko poistakaa poistaa hei moi terve kiitos terveisin ystävällisin terveisin asiakas asiakasnumero"
        " sähköposti laskut sopimus koska nyt vain teille tämä tämän sitä mukaan saada toivon mulla mun oon kanssa"
        " lähettäkää ystävällisesti tehnyt omat omia itsestäni rekisterissä asiakasnumeroni",
        "sv": "och att det som en ett är jag inte på för med av den till har om ni er era mina min mig mitt vill kan"
        " hej tack vänliga hälsningar hälsning alla uppgifter personuppgifter vilka vad radera ta bort begär önskar"
        " skulle också från eller när hos kund kundnummer var vänligen kunde denna detta få skicka lagrat finns",
        "en": "the and to of a in is that it you i my your for have with this be not are on me what please would like"
        " all any data hello hi dear regards kind thank thanks want personal copy delete request under about do"
        " from can which hold send was an at or as we by",
        # languages that share small words with ours: recognised so that they are not taken for them
        "de": "und der die das ich nicht ist mit ein eine zu sie für auf dem den von meine meiner bitte über daten"
        " sehr geehrte damen herren grüßen hiermit gemäß",
        "et": "ja ei on ma et see mis minu kõik andmed palun soovin teie isikuandmed kustutada tere lugupidamisega"
        " oma kas mind kohta",
        "da": "og at det jeg ikke på for med af er en den til har om mine hvilke slet venlig hilsen oplysninger hvad",
        "no": "og at det jeg ikke på for med av er en den til har om mine hvilke slett vennlig hilsen hva opplysninger",
        "fr": "le la les de des et je vous mes un une pour dans est que merci bonjour données cordialement",
        "es": "el la los de y que en un una por para mis datos gracias hola saludos solicito con",
        "se": "ja lea mun dat ii leat ahte go mii dahje buot dieđuid dieđut háliidan mu munnje din giitu bures",
        "pl": "i w na nie się jest to że do moje dane proszę dzień dobry wszystkie mnie",
        "so": "waxaan iyo aan ku ka waa in la soo xogta",
        "vi": "tôi và của là có không cho các thông tin dữ liệu",
    }.items()
}
_OURS = ("fi", "sv", "en")
_TOKEN = re.compile(r"[^\W\d_]+")


def language_of(text: str, *, fallback: str = "fi") -> str:
    """ "fi", "sv", "en" or "other"; `fallback` where there is too little text to tell."""
    tokens = _TOKEN.findall(text[:20_000].lower())
    letters = sum(map(len, tokens))
    if not tokens:
        return fallback
    latin = sum(1 for t in tokens for c in t if "LATIN" in unicodedata.name(c, ""))
    if latin < 0.6 * letters:
        return "other"
    scores = {language: sum(1 for t in tokens if t in words) for language, words in _WORDS.items()}
    best = max(scores, key=lambda x: (scores[x], x in _OURS))
    if best in _OURS and scores[best] * 20 >= len(tokens):
        return best
    if scores[best] and best not in _OURS and scores[best] * 10 >= len(tokens):
        return "other"
    if any(c in "ŧŋđžšǩʒŠ" for t in tokens for c in t):
        return "other"
    # names and numbers only, or words of no list: a short one says nothing about the language
    return fallback if len(tokens) < 12 else (best if best in _OURS and scores[best] * 30 >= len(tokens) else "other")
