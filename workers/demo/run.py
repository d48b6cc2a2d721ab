"""One run of the demo, from an empty folder to a table and two running doors."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from workers.demo.clerk import Clerk
from workers.demo.place import DemoPlace, free_port
from workers.demo.play import End, Player, ends
from workers.demo.postbox import MailServerSilent, keeping_mail, mail_server
from workers.demo.services import serving
from workers.demo.show import copy_files, show
from workers.embedded import EmbeddedWorker, wait_for_the_end, web_app
from workers.host import quiet, runtime
from workers.serving import Server
from workers.speech import FAILED, OK, say
from workflows.demo.build import DemoFiles
from workflows.demo.mailing import SOURCE as MAIL
from workflows.demo.stories import STAFF, STORIES
from workflows.errors import BadInput, Fault
from workflows.runtime import Runtime

_QUIET_SECONDS = 10.0
NO_MAIL = (
    f"the mail archive ({MAIL}) is left out and not searched: it needs Dovecot"
    " (on Debian: apt-get install dovecot-imapd)"
)
_SEAT = ZoneInfo("Europe/Helsinki")

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person at the keyboard asked for."""

    folder: Path
    register: Path
    once: bool
    people: int
    portal_port: int
    console_port: int


def run(wish: Wish) -> int:
    """Build, play, show, and unless `once` serve until told to stop; the exit code."""
    quiet()
    if not (wish.register / "controller.yaml").is_file():
        remedy = "run this in Vastine's own folder, or set VASTINE_REGISTER to its register"
        raise BadInput([Fault("VASTINE_REGISTER", "the demo's register is not there", remedy)], "bad_settings")
    place = DemoPlace(wish.folder)
    if mail_server():
        try:
            return _at(wish, place, without=())
        except MailServerSilent:
            say("Dovecot does not start here")
    say(NO_MAIL)
    return _at(wish, place, without=(MAIL,))


def _at(wish: Wish, place: DemoPlace, *, without: Sequence[str]) -> int:
    """Build what is not there and open it; the exit code. Raises `MailServerSilent` before anything is played."""
    today = datetime.now(_SEAT).date()
    with progress("building the invented company") as tell:
        files = place.prepare(
            people=wish.people,
            today=today,
            register=wish.register,
            keep_older=not wish.once,
            without=without,
            progress=lambda _what, done, total: tell(done, total),
        )
    with ExitStack() as stack:
        addresses = stack.enter_context(serving(place.services))
        if MAIL not in without:
            addresses |= stack.enter_context(keeping_mail(place.sources))
        return _open(wish, place, files, addresses, played_today=place.built_on() == today.isoformat())


def _open(wish: Wish, place: DemoPlace, files: DemoFiles, addresses: Mapping[str, str], *, played_today: bool) -> int:
    """Both doors, the worker and the archive's clerk, over sources that stand; the exit code."""
    ports = {"portal": free_port(wish.portal_port), "console": free_port(wish.console_port)}
    told = place.settings(files, addresses, portal=ports["portal"], console=ports["console"])
    worker = EmbeddedWorker(lambda **parts: runtime(given=told, **parts), told)
    log_ins = place.log_ins(worker.runtime, STAFF)
    servers = [Server(web_app(name, worker.runtime), host="127.0.0.1", port=port) for name, port in ports.items()]
    for server in servers:
        server.start()
    worker.start()
    home = threading.Event()
    clerk = threading.Thread(target=Clerk(worker.runtime).keep_working, args=(home,), daemon=True)
    clerk.start()
    try:
        found = _stories(worker.runtime, place)
        wrong = [one for one in found if one.wrong] if played_today else []
        say(f"packages and letters: {place.files}")
        if wrong:
            say(f"✖ {len(wrong)} of {len(found)} stories did not end as told")
        if not wish.once:
            _greet(told.public_url, told.console_url, log_ins)
            wait_for_the_end()
    finally:
        home.set()
        clerk.join(timeout=10)
        for server in servers:
            server.stop()
        worker.stop()
    return FAILED if wrong else OK


def _stories(rt: Runtime, place: DemoPlace) -> Sequence[End]:
    references = place.played()
    if not references:
        with progress("playing the stories") as tell:
            references = Player(rt, tell).play(STORIES)
        copy_files(rt, ends(rt, STORIES, references), place.files)
        place.keep_played(references)
    found = ends(rt, STORIES, references)
    show(found)
    return found


def _greet(portal: str, console: str, log_ins: dict[str, str]) -> None:
    say("")
    say(f"portal   {portal}/      where people ask")
    say(f"console  {console}/      where staff answer; the mail that was sent is on its outbox page")
    say("")
    roles = {name: role.value for name, role in STAFF}
    for name, password in log_ins.items():
        say(f"  {name:<10} {password:<14} {roles.get(name, '')}")
    say("")
    say("Nothing leaves this machine. Stop with Ctrl-C; the next start takes it up where it is now.")


@contextmanager
def progress(what: str) -> Iterator[Tell]:
    """Tell how far something is: a bar on a terminal, else a line now and then."""
    if sys.stderr.isatty():
        from rich.console import Console  # noqa: PLC0415  # only a terminal needs it
        from rich.progress import Progress  # noqa: PLC0415

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    spoken = [time.monotonic()]

    def line(done: int, total: int) -> None:
        if time.monotonic() - spoken[0] >= _QUIET_SECONDS:
            spoken[0] = time.monotonic()
            say(f"{what}: {done} of {total}")

    say(f"{what} …")
    yield line
