"""How fast a corpus of mail is taken in, against how fast the standard library only parses it."""

import tempfile
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path

from bench.place import Place
from bench.report import Figure, Report

CORPUS = Path(__file__).resolve().parents[1] / "tests" / "rules" / "mail"
_ROUNDS = 3
AIM = 10.0


def measure(place: Place) -> Report:  # a house of its own, in a folder
    """Every mail of the tests' corpus: parsed and its text decoded by the library; understood; kept and understood."""
    from tests.world import make_world  # noqa: PLC0415
    from workflows import mailroom  # noqa: PLC0415
    from workflows.rules.mail import House, understand_mail  # noqa: PLC0415

    mails = [path.read_bytes() for path in sorted(CORPUS.glob("*.eml"))]
    house = House(["tietosuoja@lakeus.example"])
    library = _seconds(_parse, mails)
    rules = _seconds(lambda raw: understand_mail(raw, house), mails)
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder))
        numbered = [b"X-Number: %d\r\n" % n + raw for n, raw in enumerate(mails)]
        start = time.perf_counter()
        for raw in numbered:
            mailroom.receive(world.rt, raw)
        whole = time.perf_counter() - start
    count = len(mails)
    return Report(
        "Is mail taken in at a tenth of the speed at which the standard library parses it?",
        [
            Figure("parsed by the standard library", count / library, "mails/s"),
            Figure("understood", count / rules, "mails/s"),
            Figure("kept, understood and filed on SQLite", count / whole, "mails/s"),
            Figure("understanding, times the library's time", rules / library, "×", aim=AIM),
            Figure("ingestion, times the library's time", whole / library, "×", aim=AIM),
        ],
    )


def _parse(raw: bytes) -> None:
    for part in message_from_bytes(raw, policy=policy.default).walk():
        part.get_payload(decode=True)
        list(part.items())


def _seconds(work: Callable[[bytes], object], mails: list[bytes]) -> float:
    """The quickest of a few rounds over all of them."""
    best = float("inf")
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        for raw in mails:
            try:
                work(raw)
            except Exception:  # noqa: BLE001 - some of the corpus breaks the library, which is what it is for
                continue
        best = min(best, time.perf_counter() - start)
    return best
