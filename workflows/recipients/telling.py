"""Write a notice for everybody who holds what was corrected, erased or restricted, in the transaction that says so."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import new_id
from models.decision import Plan, PlanItem
from models.notices import Notice, NoticeKind, NoticeState, NoticeWay
from models.request import Request
from models.session import ring
from models.vocabulary import Letter, ReceiptOutcome, TaskKind
from workflows import audit
from workflows.casefile import open_key, open_proof
from workflows.caseview import case_facts
from workflows.human import open_task
from workflows.messages import SEND
from workflows.outbox import queue_mail
from workflows.ports import CaseFacts, RequestKey
from workflows.recipients.content import Content, Treated, known_by, names_a_code, seal_content
from workflows.register.categories import category_of
from workflows.register.recipients import Recipient
from workflows.runtime import Runtime
from workflows.standing import Standing, open_item, standings

BY_HAND = "notice_by_hand"
"""Code of the task that asks a person to tell a recipient."""

GONE = (ReceiptOutcome.ERASED, ReceiptOutcome.MASKED, ReceiptOutcome.ABSENT)
"""Outcomes of a treatment after which nothing of what it took is left."""


def tell(
    session: Session,
    rt: Runtime,
    request: Request,
    *,
    kind: NoticeKind,
    treated: Iterable[Treated],
    occurrence: str,
) -> list[Notice]:
    """A notice for each recipient who holds any of this; those that were written before, of this occurrence, are not.

    The caller holds the request's lock. Sources are told of corrections only: the notice promises that whoever gave
    us a wrong datum hears of it. Source: GDPR Art. 19.
    """
    if request.proof_sealed is None or not rt.register.recipients:
        return []
    key = open_key(session, rt, request.data_key_id)
    proof = open_proof(key, request)
    written = set(
        session.scalars(
            select(Notice.recipient).where(
                Notice.request_id == request.id, Notice.kind == kind, Notice.occurrence == occurrence
            )
        )
    )
    all_treated = list(treated)
    made = []
    for recipient in rt.register.recipients:
        theirs = [one for one in all_treated if recipient.holds(one.category, one.field)]
        silent = recipient.role == "source" and kind is not NoticeKind.RECTIFICATION
        silent = silent or (kind is NoticeKind.PAUSE and not recipient.collects)
        if not theirs or silent or recipient.id in written:
            continue
        changes = [(one.field, one.value) for one in theirs if one.field]
        content = Content(known_by(recipient, proof), changes, secrets.token_urlsafe(32))
        notice = Notice(
            id=new_id(),
            request_id=request.id,
            recipient=recipient.id,
            kind=kind,
            occurrence=occurrence,
            way=way_of(recipient, content),
            state=NoticeState.WAITING,
            categories=sorted({one.category for one in theirs}),
            due_on=rt.today() + timedelta(days=recipient.acknowledge_within_days),
            created_at=rt.now(),
            run_at=rt.now(),
        )
        made.append(notice)
        _begin(session, rt, request, key, notice=notice, recipient=recipient, content=content)
    return made


def _begin(
    session: Session,
    rt: Runtime,
    request: Request,
    key: RequestKey,
    *,
    notice: Notice,
    recipient: Recipient,
    content: Content,
) -> None:
    way = notice.way
    notice.token_digest = None if way is NoticeWay.HAND else rt.vault.digest("notice", content.token)
    notice.content_sealed = seal_content(key, notice, content)
    session.add(notice)
    facts = {"recipient": recipient.id, "kind": notice.kind.value, "way": way.value}
    audit.record(session, "notice:made", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
    if way is NoticeWay.HAND:
        ask_by_hand(session, rt, notice)
    elif way is NoticeWay.MAIL:
        mail_notice(session, rt, request, key, notice=notice, recipient=recipient, content=content)
    else:
        ring(session, SEND, "")


def way_of(recipient: Recipient, content: Content) -> NoticeWay:
    """How they are told: by people wherever a program could not say enough, or would say too much."""
    if not content.identifiers or names_a_code(content.changes):
        return NoticeWay.HAND
    if recipient.webhook is not None:
        return NoticeWay.WEBHOOK
    return NoticeWay.MAIL if recipient.email else NoticeWay.HAND


def ask_by_hand(session: Session, rt: Runtime, notice: Notice, *, code: str = BY_HAND) -> None:
    """Ask a person to tell this recipient, or to ask them again."""
    open_task(
        session,
        rt,
        key=f"notice:{notice.id}",
        kind=TaskKind.BY_HAND,
        code=code,
        request_id=notice.request_id,
        due_on=max(notice.due_on, rt.today()),
        facts={"recipient": notice.recipient, "notice": str(notice.id)},
    )
    notice.asked_at = rt.now()


def link_of(rt: Runtime, recipient: Recipient, content: Content) -> str:
    """Where the recipient reads the notice and acknowledges it."""
    return f"{rt.settings.public_url}/{recipient.language}/notices/{content.token}"


def notice_case(rt: Runtime, case: CaseFacts, *, notice: Notice, recipient: Recipient, link: str) -> CaseFacts:
    """What the mail may say: what is to be done with which kinds of data, until when, and where it stands."""
    known = rt.register.categories
    labels = [known[code].label.get(recipient.language) for code in notice.categories if code in known]
    extra = {"kind": notice.kind.value, "categories": "; ".join(labels), "recipient": recipient.name}
    if notice.reminded_at is not None:
        extra["again"] = "1"
    return replace(case, language=recipient.language, name="", due_a=notice.due_on, link=link, extra=extra)


def mail_notice(
    session: Session,
    rt: Runtime,
    request: Request,
    key: RequestKey,
    *,
    notice: Notice,
    recipient: Recipient,
    content: Content,
) -> None:
    """Put the mail into the outbox; the second one of a notice is its reminder."""
    link = link_of(rt, recipient, content)
    case = notice_case(rt, case_facts(rt, request, key), notice=notice, recipient=recipient, link=link)
    queue_mail(
        session,
        rt,
        request,
        key,
        letter=Letter.RECIPIENT_NOTICE,
        to=recipient.email,
        case=case,
        occurrence=mail_occurrence(notice),
    )


def mail_occurrence(notice: Notice) -> str:
    """By what the outbox knows the mail of a notice."""
    return f"{notice.id}:{0 if notice.reminded_at is None else 1}"


def tell_of_erasure(session: Session, rt: Runtime, request: Request, plan: Plan) -> list[Notice]:
    """Tell everybody who holds what was erased since the last letter and is proven gone.

    An erasure that is done again tells nobody anew. Where the days of a series go one by one for years, recipients
    hear of them once a month and at the end. Source: GDPR Art. 19.
    """
    if request.replay_id is not None or not rt.register.recipients:
        return []
    key = open_key(session, rt, request.data_key_id)
    treated: set[Treated] = set()
    phases, days_only, waiting = set(), True, False
    for item in standings(session, plan):
        waiting = waiting or item.waits
        new = [r for r in item.receipts if r.told_at is None and r.outcome in GONE]
        if not new:
            continue
        treated |= {Treated(code) for receipt in new for code in categories_gone(rt, item.row, receipt.fields)}
        phases |= {receipt.phase for receipt in new}
        days_only = days_only and _is_day(key, item)
    if not treated:
        return []
    occurrence = f"{plan.id}:{max(phases)}"
    if days_only and waiting and max(phases) > 0:
        occurrence = f"{plan.id}:{rt.today():%Y-%m}"
    ordered = sorted(treated, key=lambda one: one.category)
    return tell(session, rt, request, kind=NoticeKind.ERASURE, treated=ordered, occurrence=occurrence)


def _is_day(key: RequestKey, item: Standing) -> bool:
    return "from" in open_item(key, item.row)[0]


def categories_gone(rt: Runtime, row: PlanItem, fields: Sequence[str]) -> set[str]:
    """The categories of what a treatment took: of the fields that it names, else of the whole record."""
    if row.source not in rt.register.sources:
        return {row.category}
    if fields:
        return {category_of(rt.register, row.source, row.collection, field=name) for name in fields}
    return {row.category, *record_categories(rt, row.source, row.collection)}


def record_categories(rt: Runtime, source: str, collection: str) -> set[str]:
    """The categories of everything personal in a record of this collection; none of a source the register lost."""
    spec = rt.register.sources.get(source)
    if spec is None:
        return set()
    names = [
        f.name
        for d in spec.dataset
        for c in d.collections
        if collection in (c.name, f"{d.fides_key}.{c.name}")
        for f in c.fields
        if any(key == "user" or key.startswith("user.") for key in f.data_categories or ())
    ]
    return {category_of(rt.register, source, collection, field=name) for name in names}
