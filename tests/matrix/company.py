"""The whole demo company with all its sources, its people and its clerk; and what every row is looked at by."""

import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from models.delivery import Artifact, Outbox
from models.request import Request
from models.step import Step
from models.vocabulary import Right, StepState
from tests.fakes import SettableClock
from tests.matrix.row import LETTERS, Row
from tests.story.house import TODAY, House, open_house, prepare
from workers.demo.clerk import Clerk
from workers.demo.services import serving
from workers.demo.whole import assemble
from workflows import views
from workflows.demo.build import build_demo
from workflows.demo.tables import DATABASES

RECIPIENTS = """
- {id: hub, name: Fingrid Datahub Oy, role: source, email: data@hub.example, categories: [C01, C02], language: fi}
- {id: agency, name: Esimerkin Perintätoimisto Oy, role: recipient, email: data@agency.example, categories: [C10],
   collects: true, language: fi}
"""
"""Who gave us data and hears of what was wrong in them, and who collects what is owed."""

LOOKED_AT: set[str] = set()
"""Numbers of the rows that were compared with what was seen."""

OPTIONS = {"people": 60, "metering_days": 1, "longest_days": 2}


def make_template(register: Path, folder: Path) -> Path:
    """The sources, the register of all of them and a database with its staff, to be copied."""
    files = build_demo(folder / "sources", **OPTIONS)  # type: ignore[arg-type]
    made = assemble(register, folder, without=["posti"])
    (made / "recipients.yaml").write_text(RECIPIENTS, encoding="utf-8")
    for path in (made / "sources").glob("*.yaml"):  # the clock stands still, so no call would ever be due again
        path.write_text(path.read_text("utf-8").replace("burst: 50,", "burst: 1000,"), encoding="utf-8")
    prepare(f"sqlite:///{folder / 'vastine.db'}")
    assert files.urls.keys() == {*DATABASES, "perinta"}
    return folder


@contextmanager
def company_in(folder: Path) -> Iterator[House]:
    """The house over what was copied to `folder`."""
    sources = folder / "sources"
    urls = {name: f"sqlite:///{sources / name}.db" for name in DATABASES} | {"perinta": str(sources / "perinta.txt")}
    with serving(sources / "services") as addresses:
        environ = {
            "VASTINE_REGISTER": str(folder / "register"),
            "VASTINE_DATA_DIR": str(folder / "var"),
            "VASTINE_DATABASE_URL": f"sqlite:///{folder / 'vastine.db'}",
            **{f"VASTINE_SOURCE_{name.upper()}_URL": urls[name] for name in DATABASES},
            "VASTINE_SOURCE_PERINTA_PATH": urls["perinta"],
            **addresses,
        }
        house = open_house(folder, urls, environ, clock=SettableClock(TODAY))
        try:
            yield house
        finally:
            house.close()


def work(house: House) -> None:
    """Everything that is due, by the program and by the clerk of the papers, and what only waits for its turn."""
    for _ in range(12):
        house.work()
        if not Clerk(house.rt).work():
            with house.rt.unit() as session:
                waits = session.scalar(select(func.count()).where(Step.state == StepState.READY))
            if not waits:
                return
            house.clock.advance(minutes=2)  # a service is called no faster than the register says


def finish(house: House, who: str | Mapping[str, str], right: Right, *, language: str = "fi", **more: Any) -> str:
    """From the desk to the end, approved by whoever must; the reference."""
    reference = house.ask(who, right, language=language, reply_to="asks@elsewhere.example", **more)
    work(house)
    if house.state(reference) == "deciding":
        house.approve(reference, *(("anneli", "tuulikki") if right is Right.ERASURE else ("tuulikki",)))
        work(house)
    return reference


def letters_of(house: House, *references: str) -> tuple[str, ...]:
    """Numbers of the letters and mails of these requests, sorted."""
    found: set[str] = set()
    with house.rt.unit() as session:
        for reference in references:
            request = views.find_request(session, reference)
            for name in session.scalars(select(Artifact.name).where(Artifact.request_id == request.id)):
                found.add(name.removeprefix("letter_").removesuffix(".pdf"))
                if name.startswith("package"):
                    found.add(request.right.value)
            found |= {m.value if hasattr(m, "value") else str(m) for m in _mails(session, request)}
    return tuple(sorted({LETTERS[name] for name in found if name in LETTERS}, key=_order))


def _mails(session: Any, request: Request) -> list[Any]:
    return list(session.scalars(select(Outbox.letter).where(Outbox.request_id == request.id)))


def _order(number: str) -> tuple[str, str]:
    return number[1:3], number


def check(house: House, row: Row, *references: str) -> None:
    """The last of the requests ended as the row says, and with all of them the person got these letters."""
    seen = (*house.ended(references[-1]), letters_of(house, *references))
    told = (row.state.value if row.state else None, row.outcome.value if row.outcome else None, row.letters)
    assert seen == told, f"{row.number} ended {seen}, not {told}"
    LOOKED_AT.add(row.number)


def items_of(house: House, reference: str, collection: str) -> list[dict[str, Any]]:
    """The items of one collection as `vastine plan --json` shows them."""
    return [item for item in house.plan(reference)["items"] if item["collection"] == collection]


def rules_of(house: House, reference: str, collection: str) -> set[str]:
    """Which holds keep anything of a collection."""
    return {rule for item in items_of(house, reference, collection) for rule in item["holds"]}


def receipts_of(house: House, reference: str, collection: str) -> set[str | None]:
    """What became of the records of a collection."""
    return {item["receipt"] for item in items_of(house, reference, collection)}


def words_of(house: House, reference: str, name: str) -> str:
    """The words of a letter, whatever its lines."""
    pdf = house.file(reference, name).read_bytes()
    text = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    return " ".join(text.split())


def read(package: Path) -> dict[str, str]:
    """Every file of a package that is text, by its name."""
    with zipfile.ZipFile(package) as files:
        return {name: files.read(name).decode("utf-8", "replace") for name in files.namelist()}
