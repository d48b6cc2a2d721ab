"""Questions about an erasure, conditions of one, and accounts of one that happened: no wishes, a person reads them.

So are questions and conditions about a withdrawal, an objection or a restriction, which would be in force at once,
and questions how advertising ends. What is asked politely, of us, is a wish.
"""

ASKED = (
    r"\b(?:how(?! about| many times| often)|when|where|what|which|why)\b(?: [\w']+){0,3}?"
    r" (?:can|do|does|did|will|would|should|could|may|must|is|are|was|happens?|happened|to)\b[^,;:]*$"
    r"|(?:^\W*|, ?)(?:will|would|does|do|did|is|are|was|were)(?: all)? my$"
    r"|\bquestions? (?:about|on|regarding|concerning)\b[^,;:]*$"
    r"|\b(?:miten|kuinka(?! monta| usein)|milloin|miksi|mi(?:ssä|stä) (?:voin|löydän|pääsen|saan)"
    r"|mitä (?:tapahtuu|käy|teen|minun|pitää|jos)|kysymy\w*)\b[^,;:]*$"
    r"|\b(?:hur(?! många gånger| ofta)|varför|när (?:kommer|ska|raderas?|tas?|blir|kan|raderar|tar)"
    r"|var (?:kan|hittar|gör)|vad (?:händer|sker|gör|innebär|krävs|ska|måste)"
    r"|fråg(?:a|or) (?:om|kring|angående))\b[^,;:]*$"
    r"|^\W*(?:raderas|(?:kommer|blir|ska)(?: alla)? mina)$"
)
"""Up to the first word of an erasure, in one clause: how, when or whether it is done is asked."""

POSSIBLE = (
    r"(?:\b(?:is|was) it (?:\w+ )?possible to(?: have| get)?"
    r"|(?:^\W*|, ?|\b(?:if|so|whether|and|hi|hello) )(?:can|could|may|am) (?:i|one|anyone|people|customers?|users?)"
    r"(?: also| still| simply| just| even| myself| able to| allowed to| entitled to)*"
    r"|\bis there (?:a|an|any|some) (?:\w+ )?(?:way|option|possibility|button|form|page|link|chance)\b[^,;:]*"
    r"|\bdo (?:i|we|people|customers) have (?:the|a|any)(?: right to)?(?: have| get)?"
    r"|^\W*do you (?:ever |also |automatically |then |always )?"
    r"|\bonko (?:\w+ ){0,2}mahdollista(?: \w+)?(?: saada)?|\bonko (?:minulla|meillä|asiakkaalla) oikeu\w+(?: saada)?"
    r"|\b(?:voinko|voiko|voidaanko|saako|saanko|pystynkö|pystyykö)(?: itse| vielä| myös| joku| asiakas)?"
    r"|\bär det (?:\w+ )?möjligt att(?: få)?|\bgår det (?:\w+ )?att(?: få)?"
    r"|(?:^\W*|, ?|\b(?:om|hej|och) )(?:kan|får) (?:man|jag|kunder|en kund)(?: också| fortfarande| själv)?"
    r"|\bfinns det (?:ett|en|något|någon) (?:\w+ )?(?:sätt|möjlighet|knapp|länk|sida|blankett)\b[^,;:]*"
    r"|(?:^\W*|, ?)har (?:jag|man)(?: rätt att)?(?: få)?) ?$"
)
"""Directly before an erasure, in one clause: whether one may have it done, or whether it is done, is asked."""

HOW_TO = (
    r"\b(?:how|where)(?! (?:about|many|often|come|dare|long|much))\b(?: [\w']+){0,3}?"
    r" (?:can|do|does|could|should|would|must|may|to|is)\b[^,;:]*$"
    r"|\b(?:miten|kuinka(?! (?:monta|usein|kauan))|mi(?:ssä|stä) (?:voin|löydän|pääsen|saan))\b[^,;:]*$"
    r"|\b(?:hur(?! (?:många|ofta|länge))|var (?:kan|hittar|gör))\b[^,;:]*$"
)
"""Before the end of advertising, in one clause: how it is brought about is asked. Why it goes on is a complaint."""

SUPPOSED = (
    r"(?:(?:^\W*|, ?|\b(?:happens?|happen|and|so|know|tapahtuu|käy|händer|sker|och|då) )"
    r"(?:if (?:(?:i|we|they|someone|somebody|my|all my|the)\b|you\b(?! (?:could|would|can|will|might|please|kindly)\b))"
    r"|(?:jos|mikäli)\b(?! (?:te )?(?:voi|sai|viitsi|mahdolli)\w*)"
    r"|(?:om|ifall) (?:(?:jag|vi|mina|någon|man|de)\b|(?:ni|du)\b(?! (?:kan|kunde|vill|ville|skulle)\b))))"
    r"(?: [\w'-]+){0,5} ?$"
)
"""Directly before an erasure, in one clause: what would be if."""

HAPPENED = (
    r"\b(?:was|were|(?:has|have|had)(?: (?!not|never)\w+)? been|got)(?: (?!not|never)\w+)?"
    r" (?:deleted|erased|removed|destroyed|wiped)\b"
    r"|\b(?:i|we|you|they|he|she|someone|somebody)(?: have| had| just| \w+ly){1,3} (?:deleted|erased|removed|wiped)\b"
    r"|\b(?:poistettiin|poistui\w*|tuhottiin|hävitettiin|(?:on|oli|ovat|olivat)(?: (?!ei)\w+)?"
    r" (?:poistettu|poistunu\w|poistuneet|tuhottu|hävitetty|hävinny\w|hävinneet))\b"
    r"|\b(?:raderades|togs bort|har tagits bort|(?:blev|har blivit)(?: (?!inte)\w+)? (?:raderade?|borttagna))\b"
    r"|\b(?:ni|jag|du|någon|de|man)(?: (?:har|hade|redan))? (?:raderade|raderat)\b"
)
"""Up to the end of a phrase: an erasure is told of."""

WISHED = (
    r"\b(?:grateful|appreciate\w*|glad|happy|thankful|nice|great|kind|wonder\w*|sure|ensure|kiitolli\w*|arvosta\w*"
    r"|hienoa|kiva|mukava\w*|iloinen|varmista\w*|(?:haluan|vaadin|toivon),? että|tacksam\w*|uppskatta\w*|se till att"
    r"|säkerställ\w*|vore)\b"
)
"""Before it in the sentence: politely, or as a result, it is wished for after all."""

ANEW = (
    r"\b(?:please|kindly|but|(?<!if )(?<!when )(?<!do )(?<!can )(?<!should )(?<!must )i (?:want|ask|demand|request"
    r"|would like)|mutta|vaan|(?<!jos )(?<!kun )(?:haluan|haluaisin|pyydän|vaadin)|men|utan|snälla|vänligen"
    r"|(?<!om )(?<!när )(?<!ifall )jag (?:vill|begär|önskar|kräver))\b"
)
"""A wish of its own begins here: what was asked before it is about something else."""
