"""Settings: read once from the environment into a frozen object, each value with its origin.

Every setting is `VASTINE_<NAME>`, or `VASTINE_<NAME>_FILE` with the path of a file that holds the value.
Nothing else reads the environment; what a register's `{env: NAME}` points to comes from `Settings.environ`.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, cast

from workflows import setting_values as values
from workflows.errors import BadInput, Fault
from workflows.setting_values import Wrong

_PREFIX = "VASTINE_"
_FOREIGN = ("VASTINE_SOURCE_", "VASTINE_TEST_")
"""Names that begin so are not ours: secrets of sources that the register names, and the test suite's servers."""
_LONGEST_FILE_BYTES = 65_536


class Origin(NamedTuple):
    """One row for `vastine check`: a secret is never shown."""

    name: str
    shown: str
    origin: str


@dataclass(frozen=True, slots=True)
class _Setting:
    attribute: str
    parse: Callable[[str], Any]
    default: str = ""  # "{data}" stands for the data folder
    secret: bool = False

    @property
    def name(self) -> str:
        return _PREFIX + self.attribute.upper()


_SETTINGS = (
    _Setting("data_dir", values.folder, "./var"),
    _Setting("register", values.folder, "./register"),
    _Setting("database_url", values.database_url, "sqlite:///{data}/vastine.db"),
    _Setting("broker_url", values.broker_url, "memory://"),
    _Setting("blobs_url", values.blobs_url, "file://{data}/blobs"),
    _Setting("mail_url", values.mail_url, "outbox://"),
    _Setting("inbox_url", values.inbox_url),
    _Setting("mail_from", values.mail_from, "Vastine <vastine@localhost>"),
    _Setting("mail_allow", values.mail_allow),
    _Setting("key_file", values.folder, "{data}/keys.json"),
    _Setting("signing_key_file", values.optional_file),
    _Setting("signing_password", str, secret=True),
    _Setting("public_url", values.web_address, "http://127.0.0.1:8080"),
    _Setting("console_url", values.web_address, "http://127.0.0.1:8081"),
    _Setting("scanner_url", values.scanner_url),
    _Setting("mode", values.mode, "trial"),
    _Setting("webhook_secret", values.webhook_secrets, secret=True),
    _Setting("secret_key", values.secret_key, secret=True),
)


@dataclass(frozen=True, repr=False)
class Settings:
    """What one process was told; paths are absolute, addresses carry no trailing slash.

    `secret_key` is "" where it is to be derived from the key file, `inbox_url` empty where no mailbox is read.
    """

    data_dir: Path
    register: Path
    database_url: str
    broker_url: str
    blobs_url: str
    mail_url: str
    inbox_url: tuple[str, ...]
    mail_from: str
    mail_allow: tuple[str, ...]  # in trial mode mail leaves only to these addresses and @domains
    key_file: Path
    signing_key_file: Path | None  # the controller's, for letters; none: letters are not signed
    signing_password: str
    public_url: str
    console_url: str
    scanner_url: str  # "" for no scanner
    mode: Literal["trial", "live"]
    webhook_secret: tuple[str, ...]  # "whsec_…"; the first signs, all of them verify
    secret_key: str
    environ: Mapping[str, str]
    told: Mapping[str, str]  # name -> origin, for those that were set

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Read all of them; raises `BadInput` with every mistake at once, values of secrets never among them."""
        faults = _unknown(environ)
        texts, told = _texts(environ, faults)
        read: dict[str, Any] = {}
        for setting in _SETTINGS:
            data = str(read.get("data_dir", ""))
            text = texts.get(setting.name) or setting.default.replace("{data}", data)
            try:
                read[setting.attribute] = setting.parse(text)
            except Wrong as wrong:
                faults.append(Fault(setting.name, wrong.what, wrong.remedy))
                if setting.attribute == "data_dir":
                    read["data_dir"] = setting.parse(setting.default)  # so that the others are read all the same
        if not faults:
            settings = cls(**read, environ=MappingProxyType(dict(environ)), told=MappingProxyType(told))
            faults = settings._contradictions()
            if not faults:
                return settings
        raise BadInput(faults, "bad_settings")

    @property
    def embedded(self) -> bool:
        """Whether this one process is all there is: no broker that others could reach."""
        return self.broker_url.startswith("memory:")

    @property
    def simulates(self) -> bool:
        """Whether this is a trial that somebody asked for: then nothing is written in a source, and all say so."""
        return self.mode == "trial" and "VASTINE_MODE" in self.told

    @property
    def may_create_keys(self) -> bool:
        """Whether a missing key file may be made: only in the embedded default, where nobody placed one."""
        return self.embedded and self.mode == "trial" and "VASTINE_KEY_FILE" not in self.told

    def may_write_to(self, address: str) -> bool:
        """Whether mail to this address would leave the house at all: a trial writes to those it names alone."""
        if self.mail_url.startswith("outbox:"):
            return False
        known = address.casefold(), "@" + address.casefold().rpartition("@")[2]
        return self.mode == "live" or any(name in self.mail_allow for name in known)

    @property
    def blobs_dir(self) -> Path:
        """The folder that `blobs_url` names."""
        return Path(self.blobs_url.removeprefix("file://"))

    @property
    def outbox_dir(self) -> Path:
        """Where mail is kept while `mail_url` is `outbox://`."""
        return self.data_dir / "outbox"

    def origins(self) -> list[Origin]:
        """(name, value with secrets masked, where it came from) of every setting."""
        rows = []
        for setting in _SETTINGS:
            value = getattr(self, setting.attribute)
            texts = value if isinstance(value, tuple) else (str(value),)
            shown = ", ".join(values.masked(text) for text in texts)
            shown = ("(set)" if shown else "") if setting.secret else shown
            rows.append(Origin(setting.name, shown, self.told.get(setting.name, "default")))
        return rows

    def __repr__(self) -> str:
        """No value: a settings object in a traceback or log must say nothing."""
        return f"<Settings mode={self.mode}>"

    def _contradictions(self) -> list[Fault]:
        faults = []
        told = self.told
        if not self.mail_url.startswith("outbox:") and "VASTINE_MAIL_FROM" not in told:
            faults.append(Fault("VASTINE_MAIL_FROM", "is needed to send mail", "set it to the sender's address"))
        if not self.embedded and "VASTINE_KEY_FILE" not in told:
            faults.append(
                Fault(
                    "VASTINE_KEY_FILE",
                    "is needed where several processes share a broker",
                    "make one with `vastine key new PATH`, keep a copy apart from the database, set it",
                )
            )
        if self.mode == "live":
            faults += self._unfit_for_live()
        return faults

    def _unfit_for_live(self) -> list[Fault]:
        faults = []
        if self.mail_url.startswith("outbox:"):
            faults.append(
                Fault("VASTINE_MAIL_URL", "outbox:// would answer nobody in live mode", "set an smtp:// address")
            )
        if self.embedded and "VASTINE_KEY_FILE" not in self.told:
            faults.append(
                Fault("VASTINE_KEY_FILE", "must be set in live mode", "place the key file apart from the data")
            )
        for name, url in (("VASTINE_PUBLIC_URL", self.public_url), ("VASTINE_CONSOLE_URL", self.console_url)):
            if url.startswith("http://") and not values.is_loopback(url):
                faults.append(Fault(name, "must be https:// in live mode", "put a TLS proxy in front and name it here"))
        return faults


def _unknown(environ: Mapping[str, str]) -> list[Fault]:
    known = {setting.name for setting in _SETTINGS}
    known |= {f"{name}_FILE" for name in known}
    faults = []
    for name in sorted(environ):
        if name.startswith(_PREFIX) and name not in known and not name.startswith(_FOREIGN):
            near = difflib.get_close_matches(name, sorted(known), n=1)
            remedy = f"did you mean {near[0]}?" if near else "remove it, or call a source's secret VASTINE_SOURCE_…"
            faults.append(Fault(name, "is not a setting", remedy))
    return faults


def _texts(environ: Mapping[str, str], faults: list[Fault]) -> tuple[dict[str, str], dict[str, str]]:
    """The text of every setting that was told, and its origin; what is empty counts as not told."""
    texts: dict[str, str] = {}
    told: dict[str, str] = {}
    for setting in _SETTINGS:
        name, by_file = setting.name, f"{setting.name}_FILE"
        direct, path = environ.get(name, "").strip(), environ.get(by_file, "").strip()
        if direct and path:
            faults.append(Fault(name, f"is set twice, here and as {by_file}", "keep one of the two"))
        elif path:
            try:
                texts[name] = _content(Path(path))
                told[name] = f"file {path}"
            except Wrong as wrong:
                faults.append(Fault(by_file, wrong.what, wrong.remedy))
        elif direct:
            texts[name] = direct
            told[name] = "environment"
    return texts, told


def _content(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            raw = stream.read(_LONGEST_FILE_BYTES + 1)
    except OSError as error:
        raise Wrong(f"the file can't be read ({cast(str, error.strerror)})", "check the path and its rights") from None
    if len(raw) > _LONGEST_FILE_BYTES:
        raise Wrong("the file is too long for a setting", "it must hold the value and nothing else")
    try:
        text = raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise Wrong("the file is not UTF-8 text", "it must hold the value and nothing else") from None
    if not text:
        raise Wrong("the file is empty", "write the value into it, or unset this")
    return text


__all__ = ["Origin", "Settings"]
