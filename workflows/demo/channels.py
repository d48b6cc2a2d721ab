"""The sources beside the databases: two services' records, files dropped by others, recordings that are a tone."""

import hashlib
import io
import json
import math
import wave
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from workflows.demo.cast_channels import ANSWERED, CALLS, SUBSCRIBED, TICKETS, VISITS, Other, Said
from workflows.demo.planting import customer_number
from workflows.demo.population import FIRST_COMPANY, FIRST_CUSTOMER
from workflows.demo.world import Held, World

SERVICES = ("asiakaspalvelu", "uutiskirje")
"""Each is a file SERVICE.json under `services`: collection to its records."""
ANSWERS_HEADER = "vastausnro;sahkoposti;pvm;arvosana;palaute"
VISITS_HEADER = "tyonro;gsrn;pvm;osoite;asentaja;kuvaus;naapuri"
ENCODING = "iso-8859-1"
SHARES = {"ticket": 40, "call": 30, "subscriber": 150, "visit": 30, "answer": 60}
"""So many of a thousand of the crowd are in each."""

_AGENTS = ("Asiakaspalvelija 7", "Asiakaspalvelija 12")
_FITTERS = ("Asentaja 3", "Asentaja 8")
_SUBJECTS = ("Lasku", "Muutto", "Sähkökatko", "Sopimuksen hinta", "Mittarin vaihto")
_TOPICS = ("hinnat", "säästövinkit", "aurinkosähkö", "sähköauto")
_RATE = 8_000

Record = dict[str, Any]


class Channels:
    """Gathers what everybody left behind, in the order in which it is written."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tickets: list[Record] = []
        self._calls: list[Record] = []
        self._readers: dict[str, Record] = {}
        self._visits: list[tuple[str, ...]] = []
        self._answers: list[tuple[date, tuple[str, ...]]] = []

    def cast(self) -> None:
        """What the cast left."""
        as_of = self._world.as_of
        for ticket in TICKETS:
            number = str(customer_number(ticket.member))
            self.ticket(number, ticket.opened.on(as_of), ticket.subject, ticket.messages,
                        numbered=ticket.numbered, other=ticket.other)  # fmt: skip
        for call in CALLS:
            self.call(str(customer_number(call.member)), call.at.on(as_of), call.subject, seconds=call.seconds)
        for member, topics in SUBSCRIBED:
            self.reader(str(customer_number(member)), as_of - timedelta(days=300), topics)
        for visit in VISITS:
            self.visit(str(customer_number(visit.member)), visit.on.on(as_of), visit.what, neighbour=visit.neighbour)
        for said in ANSWERED:
            self.answer(str(customer_number(said.member)), said.on.on(as_of), said.mark, said.comment)

    def crowd(self, rng: Random) -> None:
        """What the crowd left, in its shares."""
        for number in self._world.people:
            if not FIRST_CUSTOMER <= int(number) < FIRST_COMPANY:
                continue
            day = self._world.as_of - timedelta(days=rng.randrange(5, 600))
            subject = rng.choice(_SUBJECTS)
            drawn = {word for word, share in SHARES.items() if rng.randrange(1000) < share}
            if "ticket" in drawn:
                said = (Said("asiakas", f"{subject}: voitteko auttaa?"), Said("palvelu", "Asia on hoidettu.", 20))
                self.ticket(number, day, subject, said, numbered=rng.randrange(2) == 0)
            if "call" in drawn:
                self.call(number, day, subject, seconds=rng.randrange(1, 4))
            if "subscriber" in drawn:
                self.reader(number, day, rng.sample(_TOPICS, rng.randrange(3)))
            if "visit" in drawn and _in_force(self._world.held.get(number), day):
                self.visit(number, day, f"{subject}: käyty paikalla.")
            if "answer" in drawn:
                self.answer(number, day, rng.randrange(1, 6), rng.choice(("", "Kiitos.", "Hinta mietityttää.")))

    def ticket(
        self, number: str, day: date, subject: str, messages: Sequence[Said], *, numbered: bool,
        other: Other | None = None,
    ) -> None:  # fmt: skip
        """Somebody wrote."""
        opened = _at(day)
        thread = [
            {"aika": (opened + timedelta(hours=m.hours)).isoformat(), "kirjoittaja": m.by, "teksti": m.text}
            for m in messages
        ]
        self._tickets.append(
            {
                "id": f"T{self._world.number('tiketti', 10_001)}",
                "asiakas": {"email": self._world.people[number].email, "asnro": number if numbered else None},
                "aihe": subject,
                "avattu": opened.isoformat(),
                "suljettu": thread[-1]["aika"],
                "viestit": thread,
                "toinen": {"nimi": other.name, "puhelin": other.phone, "kertomus": other.told} if other else None,
            }
        )

    def call(self, number: str, day: date, subject: str, *, seconds: int) -> None:
        """Somebody called; the recording has an address of its own."""
        serial = self._world.number("puhelu", 20_001)
        self._calls.append(
            {
                "id": f"P{serial}",
                "ani": self._world.people[number].phone,
                "alku": int(_at(day).timestamp()),
                "kesto_s": seconds,
                "aihe": subject,
                "asiakaspalvelija": _AGENTS[serial % 2],
                "aani": f"/puhelut/P{serial}/aani.wav",
            }
        )

    def reader(self, number: str, since: date, topics: Sequence[str]) -> None:
        """Somebody subscribed; one address is one subscriber, whoever of the house it was."""
        mark = hashlib.sha256(self._world.people[number].email.lower().encode()).hexdigest()
        opened = [{"pvm": (since + timedelta(days=30)).isoformat(), "kirje": "Kuukauden kirje"}] if topics else []
        self._readers.setdefault(
            mark,
            {"tunniste": mark, "tila": "tilattu", "alkaen": since.isoformat(), "aiheet": list(topics),
             "avaukset": opened},
        )  # fmt: skip

    def visit(self, number: str, day: date, what: str, *, neighbour: str = "") -> None:
        """A fitter came to where this customer's contract is."""
        serial = self._world.number("kaynti", 40_001)
        held, who = self._world.held[number], self._world.people[number]
        self._visits.append(
            (f"K{serial}", held.gsrn, day.isoformat(), who.street, _FITTERS[serial % 2], what, neighbour)
        )

    def answer(self, number: str, day: date, mark: int, comment: str) -> None:
        """Somebody answered a survey."""
        serial = f"V{self._world.number('vastaus', 60_001)}"
        email = self._world.people[number].email
        self._answers.append((day, (serial, email, day.isoformat(), str(mark), comment)))

    def write(self, folder: Path) -> None:
        """All files, under `services` and `drops`; what is there already under the same names is replaced."""
        services: Mapping[str, Mapping[str, list[Record]]] = {
            "asiakaspalvelu": {"tiketti": self._tickets, "puhelu": self._calls},
            "uutiskirje": {"tilaaja": [self._readers[mark] for mark in sorted(self._readers)]},
        }
        for name, content in services.items():
            text = json.dumps(content, ensure_ascii=False, indent=1)
            _fresh(folder / "services" / f"{name}.json").write_bytes(f"{text}\n".encode())
        for old in (*(folder / "drops" / "kysely").glob("*.csv"), *(folder / "drops" / "kentta").glob("*.csv")):
            old.unlink()
        half = self._world.as_of - timedelta(days=183)
        older = [row for day, row in self._answers if day < half]
        newer = [row for day, row in self._answers if day >= half]
        for label, rows in (("1", older), ("2", newer)):
            _drop(folder / "drops" / "kysely" / f"vastaukset_{label}.csv", ANSWERS_HEADER, rows)
        _drop(folder / "drops" / "kentta" / "kaynnit_1.csv", VISITS_HEADER, self._visits)


def tone(call: str, seconds: int) -> bytes:
    """The recording of a call: a tone whose pitch tells which call it is; WAV, mono, 8 bits, 8 kHz."""
    pitch = 300 + int.from_bytes(hashlib.sha256(call.encode()).digest()[:2], "big") % 600
    period = [128 + round(60 * math.sin(2 * math.pi * pitch * n / _RATE)) for n in range(_RATE)]
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(_RATE)
        file.writeframes(bytes(period) * seconds)
    return out.getvalue()


def _at(day: date) -> datetime:
    return datetime.combine(day, time(9, 30), UTC)


def _in_force(held: Held | None, day: date) -> bool:
    return held is not None and held.start <= day and (held.end is None or day < held.end)


def _fresh(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _drop(path: Path, header: str, rows: Iterable[Sequence[str]]) -> None:
    """As the houses write: Latin-1, semicolons, what does not fit in Latin-1 as a question mark."""
    _fresh(path).write_bytes("".join(_lines(header, rows)).encode(ENCODING, "replace"))


def _lines(header: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"{header}\r\n"
    for row in rows:
        yield ";".join(f'"{cell}"' if ";" in cell else cell for cell in row) + "\r\n"
