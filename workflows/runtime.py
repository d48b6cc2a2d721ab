"""Everything a stage may use, handed to it: no module-level singletons, no globals."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session, sessionmaker

from models.session import unit_of_work
from models.vocabulary import Kind, RequestState, Right
from workflows.hooks import Hooks
from workflows.ports import Bell, BlobStore, Clock, Connector, Documents, Inbox, KeyVault, Mailer, Person
from workflows.register.model import Register
from workflows.rules.holds import CompiledRules, ErasureKind
from workflows.rules.overdue import Retained
from workflows.scanning import Scanner
from workflows.settings import Settings
from workflows.visiting import Visitor
from workflows.vouching import IdentityProvider, Signed

if TYPE_CHECKING:
    from models.request import Request
    from workflows.work import ChangeWork, NewStep, Stage


@dataclass(frozen=True, slots=True)
class Runtime:
    """One process's wiring, built by `workflows.wiring.build`."""

    settings: Settings
    register: Register
    sessions: sessionmaker[Session]
    clock: Clock
    bell: Bell
    vault: KeyVault
    blobs: BlobStore
    mailer: Mailer
    documents: Documents
    connectors: Mapping[str, Connector]
    holds: CompiledRules
    erasure_kind: ErasureKind  # what erasing an item means, holds aside
    stages: "Mapping[Kind, Stage]"
    entries: "Mapping[RequestState, Callable[[Session, Runtime, Request], Sequence[NewStep]]]"
    hooks: Hooks
    visitor: Visitor
    changes: "Mapping[Right, ChangeWork]" = field(default_factory=dict)  # how a right's decisions are carried out
    retained: Retained = field(default_factory=dict)  # how long each category keeps a record
    inboxes: Mapping[str, Inbox] = field(default_factory=dict)  # by user@host/folder
    providers: Mapping[str, IdentityProvider] = field(default_factory=dict)  # who vouches for people, by name
    signatures: Callable[[bytes], Signed] = field(default=lambda _pdf: Signed("unreadable"))  # of a PDF that came in
    scanner: Scanner | None = None  # who looks for malware; None: nobody, and pages say so
    worker: str = "here"
    failpoint: Callable[[str], None] = field(default=lambda _name: None)

    def now(self) -> datetime:
        """The present instant, UTC."""
        return self.clock.now()

    def today(self) -> date:
        """The present day at the controller's seat."""
        return self.now().astimezone(ZoneInfo(self.register.controller.time_zone)).date()

    def roles(self, source: str, collection: str) -> Mapping[str, str]:
        """The role of each column that has one, for rules that keep only part of a record."""
        spec = self.register.sources[source].person.collections.get(collection)
        return {name: c.role for name, c in spec.columns.items() if c.role} if spec else {}

    def look_up(self, identifiers: Mapping[str, str]) -> tuple[Sequence[Connector], list[Person]]:
        """Who carries any of these, and the sources that said so: those with `person.subject`, else all others.

        A survey or a ticket carries an address too, and is no second person beside the customer.
        """
        subjects = [c for c in self.connectors.values() if c.spec.person.subject is not None]
        others = [c for c in self.connectors.values() if c.spec.person.subject is None]
        people = [person for connector in subjects for person in connector.find(identifiers)]
        if people:
            return subjects, people
        return others, [person for connector in others for person in connector.find(identifiers)]

    def unit(self) -> AbstractContextManager[Session]:
        """One transaction; see `models.session.unit_of_work`."""
        return unit_of_work(self.sessions, self.bell.ring)
