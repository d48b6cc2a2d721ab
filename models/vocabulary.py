"""The shared words, one spelling each, used by tables, stages, screens and the command line alike."""

from enum import StrEnum

from models.letters import LANGUAGES as LANGUAGES  # noqa: PLC0414
from models.letters import Letter as Letter  # noqa: PLC0414
from models.queueing import Bucket as Bucket  # noqa: PLC0414
from models.queueing import EffectState as EffectState  # noqa: PLC0414
from models.queueing import OutboxState as OutboxState  # noqa: PLC0414
from models.queueing import StepState as StepState  # noqa: PLC0414


class Right(StrEnum):
    """What a person may ask for; the value is what the command line and the API take.

    Source: GDPR Art. 7(3), 15-18, 20, 21.
    """

    ACCESS = "access"
    PORTABILITY = "portability"
    ERASURE = "erasure"
    RECTIFICATION = "rectification"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    MARKETING_BAN = "marketing_ban"
    WITHDRAW_CONSENT = "withdraw_consent"


class Ban(StrEnum):
    """What somebody forbids, each by itself. Source: GDPR Art. 21(2)-(3); Act 917/2014 s. 200, 202."""

    DIRECT_MAIL = "B1"
    TELEPHONE = "B2"
    ELECTRONIC = "B3"
    MARKET_RESEARCH = "B4"
    OPINION_SURVEYS = "B5"
    DISCLOSURE = "B6"
    DIRECTORY = "B7"


class RequestState(StrEnum):
    """Where a request stands; only `workflows.lifecycle.advance` writes it."""

    RECEIVED = "received"
    VERIFYING = "verifying"
    COLLECTING = "collecting"
    ASSESSING = "assessing"
    DECIDING = "deciding"
    DELIVERING = "delivering"
    ERASING = "erasing"
    PROVING = "proving"
    CHANGING = "changing"  # what was decided is carried out in the sources, other than erasing
    CLOSING = "closing"
    HELD = "held"  # answered; kept items wait for the day their last hold ends
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a request ended, for the person and the statistics."""

    DELIVERED = "delivered"
    NOTHING_FOUND = "nothing_found"
    ERASED = "erased"
    PARTLY_ERASED = "partly_erased"
    KEPT = "kept"
    REFUSED = "refused"
    NOT_IDENTIFIED = "not_identified"
    WITHDRAWN = "withdrawn"
    DUPLICATE = "duplicate"
    RESTRICTED = "restricted"  # stored, and used for legal claims only
    STOPPED = "stopped"  # an objection was upheld: the uses it is about have ended
    RECTIFIED = "rectified"  # each item was decided, and changed where that was granted
    BANNED = "banned"  # the bans that were asked for are in force
    BY_HAND = "by_hand"  # answered by a named member of staff outside the automatic flows
    ESTATE = "estate"  # it was about somebody who has died, whom this law does not cover


class Event(StrEnum):
    """What happened to a request; with its state it decides the next state."""

    OPENED = "opened"
    IDENTIFIED = "identified"
    NOT_IDENTIFIED = "not_identified"
    COLLECTED = "collected"
    ASSESSED = "assessed"
    DECISION_NEEDED = "decision_needed"
    APPROVED = "approved"
    REFUSED = "refused"
    PLAN_CHANGED = "plan_changed"
    DELIVERED = "delivered"
    ERASED = "erased"
    PROVEN = "proven"
    KEPT_IN_USE = "kept_in_use"  # proven, and what stays is still to be restricted in its sources
    CHANGED = "changed"
    LIFTED = "lifted"  # nothing is restricted any more, and the person heard of it before
    LIFT_DUE = "lift_due"  # the person was told, the days are over, and somebody says again that it is to be lifted
    RESIDUE = "residue"
    ANSWERED = "answered"
    ANSWERED_WITH_REST = "answered_with_rest"
    HOLD_ENDED = "hold_ended"
    RECHECK = "recheck"  # a day, a night or an outside event may have ended or begun a hold
    NOTHING_DUE = "nothing_due"
    POSTPONED = "postponed"  # nothing is due, and what is kept stays longer than the person was told
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    ANSWERED_BY_HAND = "answered_by_hand"
    REOPENED = "reopened"  # what was asked for came after the case had ended without it


class Kind(StrEnum):
    """A kind of work: one queue, one Celery task `vastine.<kind>`, one stage function."""

    VERIFY = "verify"
    COLLECT = "collect"
    ASSESS = "assess"
    DECIDE = "decide"  # always a person's: a step of this kind waits and is never claimed by a worker
    DELIVER = "deliver"
    ERASE = "erase"
    PROVE = "prove"
    CHANGE = "change"
    CLOSE = "close"


class Channel(StrEnum):
    """The way a request or message came in."""

    PORTAL = "portal"
    EMAIL = "email"
    LETTER = "letter"
    PHONE = "phone"
    DESK = "desk"
    API = "api"


class MessageState(StrEnum):
    """What became of an incoming message."""

    RECEIVED = "received"
    OPENED = "opened"  # a request was opened from it
    ATTACHED = "attached"  # it belongs to a request that was already open
    TRIAGE = "triage"  # a person must read it
    IGNORED = "ignored"  # automatic reply or loop: kept, never answered


class Method(StrEnum):
    """How the person was proven to be the person."""

    CODE = "code"
    DESK = "desk"
    CALL_BACK = "call_back"
    SESSION = "session"  # the controller's own log-in
    LETTER = "letter"  # a code that went to the postal address on file
    STRONG = "strong"  # a bank's or another strong electronic identification


class SourceResult(StrEnum):
    """What a search of one source ended with; `none` is an answer, `not_searched` is a gap."""

    FOUND = "found"
    NONE = "none"
    FAILED = "failed"
    NOT_SEARCHED = "not_searched"


class Ownership(StrEnum):
    """Whose an item is."""

    OWN = "own"
    SHARED = "shared"
    THIRD_PARTY = "third_party"
    CANDIDATE = "candidate"  # may be the person's: nobody has said yet, or nobody can tell; never given out or erased


class Belongs(StrEnum):
    """What a person says of a candidate."""

    MINE = "mine"  # it is the requester's
    NOT_MINE = "not_mine"
    CANT_TELL = "cant_tell"


class Action(StrEnum):
    """What a plan says about an item."""

    DELETE = "delete"
    MASK = "mask"
    ANONYMISE = "anonymise"
    RESTRICT = "restrict"
    KEEP = "keep"


class ReceiptOutcome(StrEnum):
    """What was found to be true of a plan item after its execution."""

    ERASED = "erased"
    MASKED = "masked"
    ABSENT = "absent"
    KEPT = "kept"
    DRIFTED = "drifted"
    REFUSED = "refused"
    REHEARSED = "rehearsed"  # a trial: it would have gone, and is there as it was


class PlanState(StrEnum):
    """A frozen plan's life: exactly one plan of a request is current."""

    FROZEN = "frozen"
    APPROVED = "approved"
    EXECUTED = "executed"
    VOID = "void"


class TaskKind(StrEnum):
    """Work for a human."""

    TRIAGE = "triage"
    IDENTIFY = "identify"
    SOURCE_FAILED = "source_failed"
    REVIEW = "review"
    DECIDE = "decide"
    HOLD_UNKNOWN = "hold_unknown"
    STEP_STUCK = "step_stuck"
    MAIL_FAILED = "mail_failed"
    BY_HAND = "by_hand"
    RESIDUE = "residue"
    CHECK = "check"


class TaskState(StrEnum):
    """Whether a human task still waits."""

    OPEN = "open"
    DONE = "done"


class HandState(StrEnum):
    """How far people have come with a search that only they can do."""

    ASKED = "asked"
    ANSWERED = "answered"


class Role(StrEnum):
    """What a member of staff may do."""

    INTAKE = "intake"
    CASEWORKER = "caseworker"
    APPROVER = "approver"
    DPO = "dpo"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Ground(StrEnum):
    """Why a request was refused; each has its sentence per language in the letters.

    Source: GDPR Art. 11(2), 12(2), 12(5), 12(6), 15(4), 17(3); Data Protection Act 1050/2018 s. 34.
    """

    NOT_IDENTIFIED = "not_identified"
    UNFOUNDED = "unfounded"
    EXCESSIVE = "excessive"
    RIGHTS_OF_OTHERS = "rights_of_others"
    SECURITY_OR_CRIME = "security_or_crime"
    SERIOUS_DANGER = "serious_danger"
    SUPERVISION = "supervision"
    LEGAL_OBLIGATION = "legal_obligation"
    LEGAL_CLAIM = "legal_claim"
    NOT_CONTROLLER = "not_controller"
    NO_GROUND = "no_ground"
    CONTRACT_IN_FORCE = "contract_in_force"  # data of it are neither erased nor made anonymous while it runs
    NOT_SPECIFIED = "not_specified"
    NO_MANDATE = "no_mandate"
