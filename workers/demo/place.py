"""Where a demo lives: its own folder, its own settings, nothing of the machine's environment."""

import hashlib
import json
import os
import secrets
import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from models.vocabulary import Role
from workers.demo.whole import REGISTER, assemble
from workflows import demo
from workflows.demo.build import DemoFiles, build_demo
from workflows.errors import BadInput, Fault
from workflows.runtime import Runtime
from workflows.settings import Settings
from workflows.staffing import add_user

_BUILT, _PLAYED, _LOGINS = "built.json", "played.json", "log-ins.json"
_SOURCES, _DATA, _FILES = "sources", "data", "files"


@dataclass(frozen=True, slots=True)
class DemoPlace:
    """One demo's folder."""

    folder: Path

    @property
    def register(self) -> Path:
        """The register of the whole company, as it was when the sources were made."""
        return self.folder / REGISTER

    @property
    def sources(self) -> Path:
        """What the company's own systems hold."""
        return self.folder / _SOURCES

    @property
    def services(self) -> Path:
        """What the company's services hold."""
        return self.sources / "services"

    @property
    def files(self) -> Path:
        """Where packages and letters are copied to."""
        return self.folder / _FILES

    def prepare(
        self,
        *,
        people: int,
        today: date,
        register: Path,
        keep_older: bool,
        without: Sequence[str] = (),
        progress: Callable[[str, int, int], None],
    ) -> DemoFiles:
        """The sources: those the stories were played on if they are made from the same things, else new ones.

        `keep_older`: one that was played on an earlier day will do. `without`: sources that are left out.
        """
        wanted: dict[str, object] = {"people": people, "as_of": today.isoformat(), "made_from": _digest(register)}
        wanted["without"] = list(without)
        known = self._read(_BUILT)
        same = {name for name in wanted if known.get(name) == wanted[name]}
        fits = same >= wanted.keys() - ({"as_of"} if keep_older else set())
        urls = known.get("urls")
        if fits and self.played() and isinstance(urls, Mapping):
            return DemoFiles({str(name): str(url) for name, url in urls.items()})
        self.clear()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        assemble(register, self.folder, without=without)
        files = build_demo(self.folder / _SOURCES, people=people, as_of=today, progress=progress)
        self._write(_BUILT, {**wanted, "urls": dict(files.urls)})
        return files

    def built_on(self) -> str:
        """The day the sources were made for, in ISO form."""
        return str(self._read(_BUILT).get("as_of", ""))

    def clear(self) -> None:
        """Remove what an earlier demo left; refuses a folder that no demo made."""
        if not self.folder.exists():
            return
        ours = {_BUILT, _PLAYED, _LOGINS, _SOURCES, _DATA, _FILES, REGISTER}
        foreign = sorted(path.name for path in self.folder.iterdir() if path.name not in ours)
        if foreign:
            what = f"the folder holds something that is no demo's: {foreign[0]}"
            raise BadInput([Fault("--dir", what, "name an empty folder")])
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def settings(self, files: DemoFiles, addresses: Mapping[str, str], *, portal: int, console: int) -> Settings:
        """Settings of the demo alone: mail goes to a folder, addresses are this machine's, the services' among them."""
        return Settings.from_environ(
            {
                "VASTINE_DATA_DIR": str((self.folder / _DATA).resolve()),
                "VASTINE_REGISTER": str(self.register),
                "VASTINE_PUBLIC_URL": f"http://127.0.0.1:{portal}",
                "VASTINE_CONSOLE_URL": f"http://127.0.0.1:{console}",
                **files.environ(),
                **addresses,
            }
        )

    def log_ins(self, rt: Runtime, staff: Sequence[tuple[str, Role]]) -> dict[str, str]:
        """Name to password of the demo's staff, made on first use and readable by the folder's owner only."""
        known = self._read(_LOGINS)
        if known:
            return {str(name): str(password) for name, password in known.items()}
        made = {name: secrets.token_urlsafe(9) for name, _ in staff}
        with rt.unit() as session:
            for name, role in staff:
                add_user(
                    session, rt, name, role=role, display_name=name.capitalize(), password=made[name],
                    nda_signed_on=rt.today(),
                )  # fmt: skip
        self._write(_LOGINS, made)
        return made

    def played(self) -> dict[str, str]:
        """Slug of each story to its reference; empty while they were not played to the end on these sources."""
        return {str(slug): str(reference) for slug, reference in self._read(_PLAYED).items()}

    def keep_played(self, references: Mapping[str, str]) -> None:
        """Remember that the stories were played."""
        self._write(_PLAYED, dict(references))

    def _read(self, name: str) -> dict[str, object]:
        try:
            found = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, name: str, content: Mapping[str, object]) -> None:
        handle = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1)


def _digest(register: Path) -> str:
    """Of all that the sources and the answers are made from: a demo of another release must not pass for this one's."""
    code = [path for folder in demo.__path__ for path in Path(folder).glob("*.py")]
    found = hashlib.sha256()
    for path in sorted([*code, *register.rglob("*.yaml")]):
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def free_port(wanted: int) -> int:
    """The port wanted if nobody listens there, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(tried.getsockname()[1])
    raise BadInput([Fault("--port", "no port is free", "stop something that listens")])
