"""Sentences as people write them, each with the one right it asks for, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import Right
from workflows.rules.language import language_of
from workflows.rules.wish_words import WORDS
from workflows.rules.wishes import SURE, wishes_in


@pytest.mark.parametrize(
    ("right", "language", "text"),
    [
        ("access", "fi", "Haluaisin saada tiedon siitä, mitä henkilötietoja yrityksenne on kerännyt minusta."),
        ("access", "fi", "Voisitteko lähettää minulle kaikki tiedot, jotka teillä on minusta?"),
        ("access", "fi", "Pyydän nähdä kaikki minua koskevat tiedot."),
        ("access", "fi", "Mitä tietoa teillä on musta?"),
        ("access", "fi", "Haluan tarkastaa itseäni koskevat tiedot asiakasrekisteristänne"),
        ("access", "fi", "Onko minusta tallennettu tietoja teidän järjestelmiinne?"),
        ("access", "fi", "Haluan kuunnella puhelutallenteeni"),
        ("access", "fi", "Toimittakaa minulle asiakastietoni"),
        ("access", "fi", "Pyyntö saada pääsy omiin tietoihin"),
        ("erasure", "fi", "Haluan että kaikki tietoni poistetaan."),
        ("erasure", "fi", "Poistattehan minut rekisteristänne."),
        ("erasure", "fi", "Pyydän poistamaan henkilötietoni"),
        ("erasure", "fi", "Haluan poistaa tilini ja tietoni"),
        ("erasure", "fi", "voitteko poistaa mut teidän rekisteristä"),
        ("erasure", "fi", "Asiakkuuteni päättyi, hävittäkää minua koskevat tiedot."),
        ("erasure", "fi", "Unohtakaa minut kokonaan."),
        ("erasure", "fi", "Tietojeni poistaminen"),
        ("erasure", "fi", "Toivon että tuhoatte kaiken minua koskevan tiedon"),
        ("access", "sv", "Jag skulle vilja veta vad ni har för information om mig."),
        ("access", "sv", "Kan ni skicka alla uppgifter ni har sparat om mig?"),
        ("access", "sv", "Jag begär tillgång till mina personuppgifter."),
        ("access", "sv", "Vilka personuppgifter behandlar ni om mig?"),
        ("access", "sv", "Jag begär information om vilka personuppgifter ni behandlar"),
        ("erasure", "sv", "Ta bort mig ur ert register."),
        ("erasure", "sv", "Jag begär att ni raderar mina personuppgifter."),
        ("erasure", "sv", "Jag vill att ni tar bort allt ni har om mig."),
        ("erasure", "sv", "Jag vill att alla mina uppgifter ska raderas."),
        ("erasure", "sv", "Kan ni ta bort mitt konto tack"),
        ("access", "en", "I would like to know what personal information you have stored about me."),
        ("access", "en", "Can you send me everything you have on me?"),
        ("access", "en", "I am requesting access to the personal data you process about me."),
        ("access", "en", "Please provide me with all the information you hold on me"),
        ("access", "en", "Under GDPR I request a copy of my data."),
        ("erasure", "en", "I want my data deleted."),
        ("erasure", "en", "Please erase everything you have about me."),
        ("erasure", "en", "Remove me from your database"),
        (
            "erasure",
            "en",
            "I am hereby requesting immediate erasure of personal data concerning me according to Article 17 GDPR.",
        ),
        ("erasure", "en", "Please close my account and delete all information related to me."),
        ("portability", "fi", "Haluan siirtää tietoni toiselle palveluntarjoajalle."),
        ("portability", "en", "Please transfer my data to another provider."),
        ("portability", "sv", "Jag vill få mina uppgifter överförda till ett annat bolag."),
        ("", "fi", "Haluan tehdä uuden sähkösopimuksen, mitä tietoja tarvitsette?"),
        ("", "fi", "Poistin vahingossa laskun, voitteko lähettää kopion laskusta?"),
        ("", "fi", "Haluaisin saada tietoa uusista sopimuksista."),
        ("", "sv", "Kan ni skicka en kopia på fakturan?"),
        ("", "sv", "Jag vill ha information om era priser."),
        ("", "en", "Could you send me information about your prices?"),
        ("", "en", "Please remove the late fee from my invoice."),
        ("", "en", "What information do you need to transfer my contract to my new address?"),
        ("", "fi", "Poistakaa myöhästymismaksu laskulta."),
        ("", "fi", "Tietojeni mukaan lasku on maksettu, poistakaa perintä."),
        ("access", "fi", "Lähettäkää kopio kaikista minua koskevista tiedoista."),
        ("access", "fi", "GDPR-tietopyyntö: haluan tietoni."),
        ("access", "fi", "Haluan saada tietooni kaiken, mitä minusta on rekisterissänne."),
        ("access", "fi", "Millaisia tietoja olette tallentaneet minusta ja mistä ne on saatu?"),
        ("erasure", "fi", "Vaadin tietojeni välitöntä poistamista."),
        ("erasure", "fi", "Kaikki henkilötietoni tulee poistaa rekisteristänne."),
        ("erasure", "fi", "Minut pitää poistaa asiakasrekisteristä."),
        ("erasure", "fi", "Haluaisin että poistatte tietoni"),
        ("erasure", "fi", "Pyydän teitä poistamaan kaikki tiedot jotka teillä on minusta."),
        ("erasure", "fi", "Poistakaa nimeni ja osoitteeni rekisteristänne"),
        ("access", "sv", "Jag vill ta del av de uppgifter som ni har om mig."),
        ("access", "sv", "Hej, jag vill ha ett utdrag ur ert kundregister med mina uppgifter"),
        ("access", "sv", "Jag önskar få information om vilka uppgifter som finns lagrade om mig"),
        ("erasure", "sv", "Jag vill bli raderad ur era system."),
        ("erasure", "sv", "Vänligen radera allt som rör mig."),
        ("erasure", "sv", "Jag önskar att mina personuppgifter tas bort."),
        ("access", "en", "I'd like to make a subject access request."),
        ("access", "en", "Could you tell me what data you keep about me and where you got it from?"),
        ("access", "en", "I wish to exercise my right of access."),
        ("erasure", "en", "Kindly remove all of my information from your systems."),
        ("erasure", "en", "I no longer want you to keep my data. Please get rid of it."),
        ("erasure", "en", "Request for erasure of personal data"),
        ("", "fi", "Vaihdan sähköyhtiötä, miten irtisanon sopimuksen?"),
        ("", "fi", "Tietosuojaselosteessanne on kirjoitusvirhe."),
        ("", "fi", "Muutan 1.12., uusi osoite on Tyrninkukankuja 210."),
        ("", "fi", "Lähettäkää minulle tiedot tarjouksestanne."),
        ("", "fi", "Tarvitsen kopion sopimuksestani."),
        ("", "sv", "Jag vill säga upp mitt avtal."),
        ("", "sv", "Var kan jag se min förbrukning?"),
        ("", "sv", "Kan ni ta bort påminnelseavgiften?"),
        ("", "en", "I forgot my password and cannot access my account."),
        ("", "en", "Please send me a copy of my latest invoice."),
        ("", "en", "Please remove my card from the account."),
    ],
)
def test_a_sentence_asks_for_its_right_in_its_language(right, language, text):
    assert [r.value for r in wishes_in(text).rights] == ([right] if right else [])
    assert language_of(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "Älkää poistako tietojani.",
        "En halua että poistatte tietojani.",
        "Miksi poistitte tietoni?",
        "Radera inte mina uppgifter.",
        "Jag vill inte att ni raderar mina uppgifter.",
        "Do not delete my data.",
        "I don't want you to erase my personal data.",
    ],
)
def test_what_is_not_wanted_is_no_wish(text):
    assert Right.ERASURE not in wishes_in(text).rights


@pytest.mark.parametrize(
    "text",
    [
        "Did you delete my data? Send me a copy of everything.",
        "I have already deleted my account myself. Please send me all data you have about me.",
        "Who deleted my account? I want to see my data.",
        "Have you erased my data yet?",
        "Har ni raderat mina uppgifter? Skicka en kopia av alla mina uppgifter.",
        "Radera ingenting, men skicka mig en kopia av alla mina personuppgifter.",
        "Oletteko poistaneet tietoni? Haluan kopion tiedoistani.",
        "Kuka poisti tietoni?",
    ],
)
def test_what_is_told_or_asked_of_an_erasure_is_no_wish_to_erase(text):
    assert Right.ERASURE not in wishes_in(text).confidence


@pytest.mark.parametrize(
    "text",
    [
        "Can you delete my data?",
        "You have to delete my data.",
        "I have asked you twice to delete my data.",
        "I am the person who wants you to erase all my data.",
        "Har ni raderat mina uppgifter? Jag vill att ni raderar mina uppgifter.",
    ],
)
def test_a_wish_to_erase_in_the_words_of_the_past_is_one(text):
    assert Right.ERASURE in wishes_in(text).rights


def test_a_wish_after_a_refusal_counts():
    wishes = wishes_in("I do not want to be your customer any more, please delete my data.")
    assert wishes.rights == (Right.ERASURE,)


@pytest.mark.parametrize(
    "text",
    [
        "Pyydän päämieheni puolesta tarkastaa hänen tietonsa",
        "Olen äitini edunvalvoja",
        "Jag har fullmakt",
        "I write on behalf of my mother",
        "my late husband was your customer",
    ],
)
def test_writing_for_somebody_else_is_noticed(text):
    assert wishes_in(text).on_behalf


@given(st.text(max_size=500))
def test_confidence_stays_between_nothing_and_certainty(text):
    wishes = wishes_in(text)
    assert all(0 < c <= 1 for c in wishes.confidence.values())
    assert all(wishes.confidence[r] >= SURE for r in wishes.rights)


def test_every_right_has_words():
    assert set(WORDS) == set(Right)


@given(st.text(max_size=300), st.sampled_from(["fi", "sv", "en"]))
def test_any_text_has_a_language(text, fallback):
    assert language_of(text, fallback=fallback) in ("fi", "sv", "en", "other")


@pytest.mark.parametrize(
    "text",
    [
        "I want to cancel my erasure request.",
        "I withdraw my request to delete my data.",
        "Please stop the erasure of my data.",
        "I object to the erasure of my data.",
        "My ex-husband asked you to delete my data. Please stop this.",
        "Someone else has asked you to erase my data.",
        "Thank you for deleting my data last year.",
        "Peruutan poistopyyntöni.",
        "Haluan perua tietojen poistopyynnön.",
        "Perun pyyntöni poistaa tietoni.",
        "Keskeyttäkää tietojeni poistaminen.",
        "Vastustan tietojeni poistamista.",
        "En ole koskaan pyytänyt poistamaan tietojani.",
        "En vastusta tietojeni käsittelyä.",
        "Jag återkallar min begäran om radering av mina uppgifter.",
        "Jag motsätter mig radering av mina uppgifter.",
        "Jag har aldrig bett er radera mina uppgifter.",
        "Tack för att ni raderade mina uppgifter.",
        "Jag invänder inte mot behandlingen av mina uppgifter.",
        "Jag återkallar min invändning mot behandlingen av mina uppgifter.",
    ],
)
def test_who_calls_it_off_or_is_against_it_does_not_wish_for_it(text: str) -> None:
    assert wishes_in(text).rights == ()


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("I withdraw my consent and want you to delete my data.", Right.ERASURE),
        ("Please stop processing and delete my data.", Right.ERASURE),
        ("I cancel my contract, delete my data.", Right.ERASURE),
        ("Stop this and erase my data.", Right.ERASURE),
        ("Thank you for your answer, now please delete my data.", Right.ERASURE),
        ("Peruutan suostumukseni ja poistakaa tietoni.", Right.ERASURE),
        ("Perun tilaukseni, poistakaa tietoni.", Right.ERASURE),
        ("Jag återkallar mitt samtycke, radera mina uppgifter.", Right.ERASURE),
        ("Jag ångrar att jag blev kund, radera mina uppgifter.", Right.ERASURE),
        ("I object to the processing of my data.", Right.OBJECTION),
        ("Vastustan henkilötietojeni käsittelyä.", Right.OBJECTION),
        ("Jag gör en invändning mot behandlingen av mina uppgifter.", Right.OBJECTION),
        ("Jag invänder mot behandlingen av mina uppgifter.", Right.OBJECTION),
    ],
)
def test_what_is_called_off_beside_a_wish_does_not_hide_it(text: str, right: Right) -> None:
    assert right in wishes_in(text).rights


@pytest.mark.parametrize(
    "text",
    [
        "How can I delete my account?",
        "How do I ask you to delete my data?",
        "I would like to know how I can delete my account.",
        "What happens to my invoices if I delete my account?",
        "If I ask you to delete my data, what happens?",
        "Hello, if you delete my data, can I come back as a customer?",
        "When will my data be deleted?",
        "Will my data be deleted when I move out?",
        "My data was deleted by mistake",
        "All my data have been deleted by accident!",
        "I accidentally deleted my account.",
        "Miten voin poistaa tilini?",
        "Kuinka saan tietoni poistettua?",
        "Milloin tietoni poistetaan?",
        "Jos pyydän teitä poistamaan tietoni, mitä tapahtuu?",
        "Mitä tapahtuu, jos poistatte tietoni?",
        "Tietoni poistettiin vahingossa",
        "Tietoni on vahingossa poistettu.",
        "Hur kan jag radera mitt konto?",
        "Hur raderar jag mitt konto?",
        "Om jag ber er radera mina uppgifter, vad händer då?",
        "Vad händer om ni raderar mina uppgifter?",
        "När kommer mina uppgifter att raderas?",
        "Mina uppgifter raderades av misstag",
        "Mina uppgifter togs bort av misstag.",
        "Jag raderade mitt konto av misstag.",
    ],
)
def test_a_question_a_condition_or_a_mishap_is_no_wish_to_erase(text: str) -> None:
    assert Right.ERASURE not in wishes_in(text).confidence


@pytest.mark.parametrize(
    "text",
    [
        "Can you delete my data?",
        "Could you please delete all my data?",
        "I would be grateful if you delete my data.",
        "I wonder if you could delete my data.",
        "How many times do I have to ask you to delete my data?",
        "I don't know how you got my address, delete my data.",
        "I know how to complain but please delete my data.",
        "If you still have it, delete my data.",
        "If possible delete my data.",
        "How do I pay the last invoice? Delete my account.",
        "Please make sure my data has been deleted by Friday.",
        "I want my data that was collected in 2019 deleted.",
        "My data has still not been deleted.",
        "I ask you to delete my data.",
        "Voitteko poistaa tietoni?",
        "Jos mahdollista, poistakaa tietoni.",
        "Jos voisitte poistaa tietoni, kiitos.",
        "Haluan että tietoni on poistettu perjantaihin mennessä.",
        "Koska en ole enää asiakas, poistakaa tietoni.",
        "En tiedä miten saitte osoitteeni, poistakaa tietoni.",
        "Kan ni radera mina uppgifter?",
        "Jag undrar om ni kan radera mina uppgifter.",
        "Tacksam om ni raderar mina uppgifter.",
        "Om möjligt, radera mina uppgifter.",
        "Se till att mina uppgifter blir raderade.",
        "Jag vet inte hur ni fick dem men radera mina uppgifter.",
    ],
)
def test_a_polite_or_impatient_wish_to_erase_stays_found(text: str) -> None:
    assert Right.ERASURE in wishes_in(text).rights


@pytest.mark.parametrize(
    "text",
    [
        "How can I withdraw my consent?",
        "If I withdraw my consent, what happens?",
        "What happens if I object to the processing of my data?",
        "When can I ask you to restrict the processing?",
        "Miten perun suostumukseni?",
        "Jos perun suostumukseni, mitä tapahtuu?",
        "Miten voin vastustaa tietojeni käsittelyä?",
        "Hur återkallar jag mitt samtycke?",
        "Vad händer om jag återkallar mitt samtycke?",
        "Hur kan jag begränsa behandlingen av mina uppgifter?",
    ],
)
def test_a_question_about_what_would_be_in_force_at_once_puts_nothing_in_force(text: str) -> None:
    assert wishes_in(text).rights == ()


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("I withdraw my consent.", Right.WITHDRAW_CONSENT),
        ("My account was deleted by mistake, so I withdraw my consent.", Right.WITHDRAW_CONSENT),
        ("My e-mail was removed, now delete all my data.", Right.ERASURE),
        ("Can you tell me how it was used? I withdraw my consent.", Right.WITHDRAW_CONSENT),
        ("Perun suostumukseni.", Right.WITHDRAW_CONSENT),
        ("Jag vill återkalla mitt samtycke.", Right.WITHDRAW_CONSENT),
        ("Could you please restrict the processing of it?", Right.RESTRICTION),
        ("Jag motsätter mig profilering, jag invänder mot behandlingen.", Right.OBJECTION),
        ("Vastustan profilointia.", Right.OBJECTION),
    ],
)
def test_what_is_to_be_in_force_at_once_stays_found(text: str, right: Right) -> None:
    assert right in wishes_in(text).rights


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Is it possible to delete my account?", Right.ERASURE),
        ("Can I delete my account?", Right.ERASURE),
        ("Is it possible to get my data deleted?", Right.ERASURE),
        ("Do I have the right to be forgotten?", Right.ERASURE),
        ("Is there a way to delete my account?", Right.ERASURE),
        ("Do you delete my data when I move?", Right.ERASURE),
        ("How can I delete my account?", Right.ERASURE),
        ("Voinko poistaa tilini?", Right.ERASURE),
        ("Onko mahdollista poistaa tilini?", Right.ERASURE),
        ("Kan jag radera mitt konto?", Right.ERASURE),
        ("Går det att radera mitt konto?", Right.ERASURE),
        ("Är det möjligt att ta bort mitt konto?", Right.ERASURE),
        ("Har jag rätt att bli glömd?", Right.ERASURE),
        ("Can I withdraw my consent?", Right.WITHDRAW_CONSENT),
        ("How do I unsubscribe?", Right.MARKETING_BAN),
        ("Where can I unsubscribe from the newsletter?", Right.MARKETING_BAN),
        ("Please tell me how to unsubscribe from your newsletter.", Right.MARKETING_BAN),
        ("Miten perun uutiskirjeen?", Right.MARKETING_BAN),
        ("Miten saan uutiskirjeen loppumaan?", Right.MARKETING_BAN),
        ("Hur avbeställer jag nyhetsbrevet?", Right.MARKETING_BAN),
        ("Kan jag avbeställa nyhetsbrevet?", Right.MARKETING_BAN),
    ],
)
def test_what_is_only_asked_about_is_told_apart_from_what_is_asked_for(text: str, right: Right) -> None:
    wishes = wishes_in(text)
    assert (wishes.rights, wishes.confidence, wishes.questions) == ((), {}, {right})


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Could you please delete my data?", Right.ERASURE),
        ("Can I have my account deleted?", Right.ERASURE),
        ("Can I ask you to delete my data?", Right.ERASURE),
        ("May I request that you erase my data?", Right.ERASURE),
        ("Would it be possible to delete my data?", Right.ERASURE),
        ("Saisinko tietoni poistettua?", Right.ERASURE),
        ("Is it possible to delete my account? If so, please delete my account.", Right.ERASURE),
        ("Can I get a copy of my data?", Right.ACCESS),
        ("Is it possible to get a copy of my data?", Right.ACCESS),
        ("Voinko saada kopion omista tiedoistani?", Right.ACCESS),
        ("Kan jag få en kopia av mina uppgifter?", Right.ACCESS),
        ("How many times must I tell you to stop marketing?", Right.MARKETING_BAN),
        ("Why do you not stop sending newsletters", Right.MARKETING_BAN),
        ("I do not know how to unsubscribe from your newsletter, stop it.", Right.MARKETING_BAN),
    ],
)
def test_a_request_in_the_form_of_a_question_is_never_lost(text: str, right: Right) -> None:
    wishes = wishes_in(text)
    assert wishes.rights == (right,)
    assert not wishes.questions


@pytest.mark.parametrize(
    "text",
    [
        "Pyydän, että anonymisoitte tietoni.",
        "Anonymisoikaa kaikki henkilötietoni.",
        "Jag ber er anonymisera mina uppgifter.",
        "Please anonymise all my personal data.",
        "I want you to anonymize my data.",
    ],
)
def test_who_asks_to_be_made_anonymous_asks_for_an_erasure(text):
    assert wishes_in(text).rights == (Right.ERASURE,)
