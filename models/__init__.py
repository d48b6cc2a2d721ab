"""Data dictionary: the tables in the order of the story.

| Module | Tables | Personal data |
|---|---|---|
| `request` | requests, data_keys, reminders | sealed columns only |
| `step` | steps, step_attempts, effects | none |
| `audit` | audit | sealed column only |
| `intake` | messages, message_cases, inbound_events, event_keys, event_cases, case_keys | sealed, keyed digests |
| `verification` | challenges, sign_ins, lowerings, paces | sealed column, keyed digests |
| `collection` | findings, source_health | sealed column; records sealed in the blob store |
| `candidates` | candidate_verdicts | keyed digest, sealed column |
| `holds` | manual_holds, rule_sets | keyed digest |
| `decision` | plans, plan_items, kept_items, approvals | sealed locators |
| `delivery` | artifacts, grants, outbox | sealed columns; files sealed in the blob store |
| `erasure` | receipts, tombstones, replays, replay_records | keyed digests |
| `retention` | retention_runs, retention_items, retention_approvals | sealed locators |
| `rectification` | rectification_items | sealed columns |
| `notices` | notices | sealed columns |
| `purge` | purge_marks | none |
| `hand` | hand_searches, hand_files, hand_ticks, checkouts | sealed columns; sealed files |
| `source` | source_limits, source_slots, source_marks | sealed column |
| `asking` | asks | sealed column |
| `thread` | replies | sealed column |
| `mailbox` | mailboxes | none |
| `mandate` | mandates, mandate_checks | sealed column |
| `restriction` | restrictions, restricted_items, restricted_identifiers, weighings | keyed digests, sealed columns |
| `refusing` | refusal_cases, withholdings | sealed columns |
| `nearness` | staff_keys, case_nearness | names of staff, keyed digests |
| `suppression` | bans | keyed digests |
| `staff` | staff, staff_sessions, api_tokens, tasks | names of staff |
"""

from models.asking import Ask
from models.audit import AuditEntry
from models.base import Base
from models.candidates import CandidateVerdict
from models.collection import Finding, SourceHealth
from models.decision import Approval, KeptItem, Plan, PlanItem
from models.delivery import Artifact, Grant, Outbox
from models.doors import DoorCanary, Pulse
from models.erasure import Receipt, Replay, ReplayRecord, Tombstone
from models.hand import Checkout, HandFile, HandSearch, HandTick
from models.holds import ManualHold, RuleSet
from models.intake import CaseKey, EventCase, EventKey, InboundEvent, Message, MessageCase
from models.mailbox import Mailbox
from models.mandate import Mandate, MandateCheck
from models.nearness import CaseNearness, StaffKey
from models.notices import Notice
from models.purge import PurgeMark
from models.rectification import RectificationItem
from models.refusing import RefusalCase, Withholding
from models.request import DataKey, Reminder, Request
from models.restriction import RestrictedIdentifier, RestrictedItem, Restriction, Weighing
from models.retention import RetentionApproval, RetentionItem, RetentionRun
from models.source import SourceLimit, SourceMark, SourceSlot
from models.staff import ApiToken, HumanTask, StaffSession, StaffUser
from models.step import Effect, Step, StepAttempt
from models.suppression import BanRow
from models.thread import Reply
from models.verification import Challenge, Lowering, Pace, SignIn

__all__ = [
    "ApiToken",
    "Approval",
    "Artifact",
    "Ask",
    "AuditEntry",
    "BanRow",
    "Base",
    "CandidateVerdict",
    "CaseKey",
    "CaseNearness",
    "Challenge",
    "Checkout",
    "DataKey",
    "DoorCanary",
    "Effect",
    "EventCase",
    "EventKey",
    "Finding",
    "Grant",
    "HandFile",
    "HandSearch",
    "HandTick",
    "HumanTask",
    "InboundEvent",
    "KeptItem",
    "Lowering",
    "Mailbox",
    "Mandate",
    "MandateCheck",
    "ManualHold",
    "Message",
    "MessageCase",
    "Notice",
    "Outbox",
    "Pace",
    "Plan",
    "PlanItem",
    "Pulse",
    "PurgeMark",
    "Receipt",
    "RectificationItem",
    "RefusalCase",
    "Reminder",
    "Replay",
    "ReplayRecord",
    "Reply",
    "Request",
    "RestrictedIdentifier",
    "RestrictedItem",
    "Restriction",
    "RetentionApproval",
    "RetentionItem",
    "RetentionRun",
    "RuleSet",
    "SignIn",
    "SourceHealth",
    "SourceLimit",
    "SourceMark",
    "SourceSlot",
    "StaffKey",
    "StaffSession",
    "StaffUser",
    "Step",
    "StepAttempt",
    "Tombstone",
    "Weighing",
    "Withholding",
]
