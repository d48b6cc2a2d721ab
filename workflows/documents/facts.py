"""What a text may say about a case: plain data for the templates, already in the reader's language.

A fact that is not known is left out of the context, so that a template that needs it fails loudly.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from models.vocabulary import Action, Ground, SourceResult
from workflows.documents.catalogue import Catalogue
from workflows.documents.corrections import correction_row, told_facts
from workflows.documents.formats import long_date, short_instant
from workflows.documents.reach import asked_for, elsewhere, found_categories, is_narrowed, not_portable
from workflows.documents.words import Words, fill, words
from workflows.ports import CaseFacts, PlanLine, SourceFacts
from workflows.register.grounds import grounds_with
from workflows.register.model import Authority, Controller, Officer
from workflows.rules.items import HoldMatch
from workflows.rules.text import hold_sentence

Context = dict[str, Any]

_INDIRECT = "1050/2018 s. 34"
"""The law of a ground after which the data go to the Ombudsman on request."""

_ON_PAPER = ("note", "weighed", "lift_words", "answer", "answered_by")
"""What somebody wrote about the person: it goes into letters, never into an open mail."""


def mail_facts(catalogue: Catalogue, case: CaseFacts) -> Context:
    """What may travel in an open mail: reference, dates, link, code and who we are. Nothing about the person."""
    lang, w = case.language, words(case.language)
    known = {
        "link": case.link,
        "link_expires_on": _day(case.link_expires_on, lang),
        "code": case.code,
        "narrowed": "1" if is_narrowed(case) else "",
        "code_minutes": str(case.code_minutes) if case.code_minutes else "",
        "extended_until": _day(case.extended_until, lang),
        "objection_until": _moment(case.objection_until, catalogue.register.controller, lang),
        "channel": w.channel.one_of(case.channel) if case.channel else "",
        "extension_reason": w.extension.known(case.extension_reason),  # a code's sentence; free words are a letter's
        "unproven_ground": w.ground.not_identified if case.refusal_ground == Ground.NOT_IDENTIFIED else "",
        "ask_kind": case.ask_kind,
        "ask": _asked(case, w) if case.ask_kind else "",
        "answer_by": _day(case.answer_by, lang),
        "lift_on": _day(date.fromisoformat(case.extra["lift_on"]), lang) if case.extra.get("lift_on") else "",
        "target_on": _day(date.fromisoformat(case.extra["target_on"]), lang) if case.extra.get("target_on") else "",
        "code_until": _day(date.fromisoformat(case.extra["code_until"]), lang) if case.extra.get("code_until") else "",
        **{name: case.extra.get(name, "") for name in ("fee", "fee_ground", "fee_basis")},
        "bans": ", ".join(w.ban[code] for code in case.extra.get("bans", "").split()),
        "standing": w.stage.one_of(case.stage) if case.stage else "",
    }
    return {
        "lang": lang,
        "reference": case.reference,
        "leading": case.leading or case.reference,
        "right": w.right[case.right.value],
        "received_on": long_date(case.received_on, lang),
        "due_on": long_date(case.due_a, lang),
        "limit_on": long_date(case.due_b, lang),
        "days_left": (case.due_b - case.today).days,
        "today": long_date(case.today, lang),
        "promised_on": long_date(case.extended_until or case.due_b, lang),
        "ready": _ready(case, w),
        "controller": controller_facts(catalogue.register.controller, lang),
        "remedies": _remedies(catalogue.register.controller, lang),
        "extra": {name: value for name, value in case.extra.items() if name not in _ON_PAPER},
    } | {name: value for name, value in known.items() if value}


def letter_facts(catalogue: Catalogue, case: CaseFacts) -> Context:
    """What a letter may say: the mail's facts, and the person's name, sources, plan, holds and reasons."""
    lang, w = case.language, words(case.language)
    controller = catalogue.register.controller
    known = {
        "name": case.name,
        "extension_reason": w.extension.one_of(case.extension_reason) if case.extension_reason else "",
        "extension_words": case.extension_words,
        "refusal_ground": _ground(catalogue, case.refusal_ground, w, lang) if case.refusal_ground else "",
        "refusal_reason": case.refusal_reason,
        "signed_by": controller.signer.name or controller.dpo.name or case.decided_by or controller.name,
        "decided_by": controller.signer.name or controller.dpo.name or case.decided_by,
        "verified_by": w.method.one_of(case.verified_method) if case.verified_method else "",
        "authority": authority_facts(controller.authority, lang),
        "answer_words": case.extra.get("answer", ""),
        "answered_by": case.extra.get("answered_by", ""),
        "plan_hash": case.plan_hash,
        "backups_until": _backups_until(controller, case.today, lang),
    }
    found = [s for s in case.sources if s.result is SourceResult.FOUND]
    lines = list(halved(case.plan))
    return (
        mail_facts(catalogue, case)
        | {
            "words": w,
            "extra": dict(case.extra),
            "indirect": _is_indirect(catalogue, case.refusal_ground),
            "asked_for": asked_for(catalogue, case),
            "not_portable": not_portable(catalogue, case),
            "elsewhere": elsewhere(catalogue, case),
            "sources": [source_row(catalogue, s, lang, narrowed=is_narrowed(case)) for s in case.sources],
            "found": bool(found),
            "gaps": any(s.result in {SourceResult.FAILED, SourceResult.NOT_SEARCHED} for s in case.sources),
            "third_party_count": sum(s.ownerships.get("third_party", 0) for s in case.sources),
            "unsure_count": sum(s.ownerships.get("candidate", 0) for s in case.sources),
            "erased": [plan_row(catalogue, line, lang) for line in lines if is_erased(line)],
            "kept": [plan_row(catalogue, line, lang) for line in lines if not is_erased(line)],
            "refused": [plan_row(catalogue, line, lang) for line in case.plan] if case.refusal_ground else [],
            "transmission": w.transmission[case.extra.get("transmission", "to_you")],
            "receipts": [(w.receipt.one_of(name), count) for name, count in case.receipts.items() if count],
            "proofs": proofs(catalogue, case),
            "processing": processing(catalogue, case, lang),
            "corrections": [correction_row(catalogue, one, lang) for one in case.corrections],
            "not_changed": [correction_row(catalogue, one, lang) for one in case.corrections if one.reason],
            "told": told_facts(case, lang),
        }
        | {name: value for name, value in known.items() if value}
    )


def _is_indirect(catalogue: Catalogue, code: str) -> bool:
    """Whether the Ombudsman may be given what the person is not. Source: Data Protection Act 1050/2018 s. 34."""
    ground = grounds_with(catalogue.register.grounds).get(code)
    return ground is not None and any(law.startswith(_INDIRECT) for law in ground.law)


def _ground(catalogue: Catalogue, code: str, w: Words, lang: str) -> str:
    """The sentence of the register's own ground, else ours."""
    own = {ground.id: ground.text for ground in catalogue.register.grounds}
    return str(getattr(own[code], lang)) if code in own else w.ground.one_of(code)


def _asked(case: CaseFacts, w: Words) -> Context:
    """What the person is asked, why, how to answer, and what it does to the time. Source: GDPR Art. 11(2), 12(6)."""
    due_on = long_date(case.due_a, case.language)
    return {
        "why": w.ask.why[case.ask_kind],
        "wanted": [w.ask.wanted.one_of(code) for code in case.wanted],
        "methods": w.ask.methods[case.ask_kind],
        "time": fill(w.ask.time["waits" if case.time_waits else "runs"], due_on=due_on),
        "if_not": w.ask.if_not[case.ask_kind],
    }


def _ready(case: CaseFacts, w: Words) -> str:
    """How much of the answer there is already, in numbers of systems: nothing about the person."""
    done = sum(s.result in {SourceResult.FOUND, SourceResult.NONE} for s in case.sources)
    return fill(w.ready.some, done=done, left=len(case.sources) - done) if done else str(w.ready.nothing)


def _remedies(controller: Controller, language: str) -> Context:
    """Where a person can complain, for texts that hold nothing else."""
    told, facts = words(language).remedies, authority_facts(controller.authority, language)
    named = ", ".join(v for v in facts.values() if v) if facts else ""
    authority = f"{told.authority} {named}" if named else told.own_authority
    return {"complaint": told.complaint, "court": told.court, "authority": authority}


def _backups_until(controller: Controller, today: date, language: str) -> str:
    """The day by which no backup copy has what is erased today; "" where the register does not say."""
    days = controller.backups.days
    return "" if days is None else long_date(today + timedelta(days=days), language)


def is_erased(line: PlanLine) -> bool:
    """Whether this line's data go now."""
    return line.action in {Action.DELETE, Action.MASK, Action.ANONYMISE}


def halved(lines: Iterable[PlanLine]) -> Iterator[PlanLine]:
    """The lines, a record of which only some fields are held as two of them: what goes now, and what stays."""
    for line in lines:
        if line.holds and line.action is Action.MASK:
            yield replace(line, holds=(), erase_on=None)
            yield replace(line, action=Action.KEEP, fields=())
        else:
            yield line


def controller_facts(controller: Controller, language: str) -> Context:
    """Who we are and how to reach us."""
    return {
        "name": controller.name,
        "business_id": controller.business_id,
        "address": controller.address,
        "phone": controller.phone,
        "email": controller.email,
        "website": controller.website,
        "dpo": officer_facts(controller.dpo, language),
        "signer": officer_facts(controller.signer, language),
    }


def officer_facts(officer: Officer, language: str) -> Context:
    """A named person or function of the controller."""
    title = officer.title.get(language) if officer.title else ""
    return {"name": officer.name, "title": title, "email": officer.email, "phone": officer.phone}


def authority_facts(authority: Authority | None, language: str) -> Context | None:
    """The supervisory authority as the register has it."""
    if authority is None:
        return None
    return {
        "name": authority.name.get(language),
        "address": authority.address.get(language),
        "phone": authority.phone,
        "email": authority.email,
        "website": authority.website,
    }


def source_name(catalogue: Catalogue, source: SourceFacts, language: str) -> str:
    """A source's name in the reader's language; the caller's label only for sources the register has not."""
    known = source.name in catalogue.register.sources
    return catalogue.source_label(source.name, language) if known else source.label or source.name


def source_row(catalogue: Catalogue, source: SourceFacts, language: str, *, narrowed: bool = False) -> Context:
    """One line of the table of what was searched. `narrowed`: "none" says nothing of what was not asked for."""
    result = "none_of_asked" if narrowed and source.result is SourceResult.NONE else source.result.value
    return {
        "label": source_name(catalogue, source, language),
        "result": words(language).result[result],
        "count": sum(source.counts.values()),
        "gap": source.result in {SourceResult.FAILED, SourceResult.NOT_SEARCHED},
    }


def plan_row(catalogue: Catalogue, line: PlanLine, language: str) -> Context:
    """One line of the table of what happens to the data and why."""
    w = words(language)
    why = [hold_text(catalogue, match, language) for match in line.holds]
    if not why and not is_erased(line):
        why = [w.reason.one_of(line.reason)]
    category = catalogue.category_label(line.category, language) or w.book.other_category
    detail = catalogue.collection_label(line.source, line.collection, language)
    return {
        "what": category if category == detail else f"{category}: {detail}",
        "erased": is_erased(line),
        "source": catalogue.source_label(line.source, language),
        "count": line.count,
        "fate": w.action[line.action.value],
        "done": w.done[line.action.value],
        "why": list(dict.fromkeys(why)),
        "erase_on": long_date(line.erase_on, language) if line.erase_on else "",
    }


def hold_text(catalogue: Catalogue, match: HoldMatch, language: str) -> str:
    """The register's sentence for this hold; where it has none, or no end is known, the law itself."""
    w = words(language)
    if match.unknown:
        return str(w.plan.unknown)
    rule = catalogue.holds.get(match.rule)
    if rule is None or (match.until is None and "{date}" in rule.text.get(language)):
        return f"{w.reason.held.rstrip('.')} ({match.law})." if match.law else str(w.reason.held)
    return hold_sentence(rule.text, match, language)


def proofs(catalogue: Catalogue, case: CaseFacts) -> list[tuple[str, str]]:
    """(system, how its erasure was proven), in the order of the sources."""
    w = words(case.language)
    return [(catalogue.source_label(name, case.language), w.guarantee[tier]) for name, tier in case.guarantees.items()]


def processing(catalogue: Catalogue, case: CaseFacts, language: str) -> list[Context]:
    """What Art. 15(1)(a)-(d), (g) and (2) ask for, by category of what was found. Source: GDPR Art. 15."""
    return [catalogue.processing(code, language) for code in found_categories(catalogue, case)]


def _moment(at: datetime | None, controller: Controller, language: str) -> str:
    return short_instant(at.astimezone(ZoneInfo(controller.time_zone)), language) if at else ""


def _day(day: date | None, language: str) -> str:
    return long_date(day, language) if day else ""
