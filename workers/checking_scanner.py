"""The virus scanner as `vastine check --online` looks at it."""

from collections.abc import Iterator

from workers.finding import Finding
from workflows.errors import VastineError
from workflows.settings import Settings


def check_scanner(told: Settings) -> Iterator[Finding]:
    """Whether it answers, or that there is none."""
    from workflows.wiring import scanner_of  # noqa: PLC0415

    name = "VASTINE_SCANNER_URL"
    scanner = scanner_of(told)
    if scanner is None:
        remedy = "run ClamAV's clamd and name its socket, or scan on your mail server"
        yield Finding("online", name, "warn", "no virus scanner looks at what people send", remedy)
        return
    try:
        scanner.health()
    except VastineError as error:
        remedy = "start clamd; until then what people sent stays shut"
        yield Finding("online", name, "fail", f"{error.detail} ({error.code})", remedy)
    else:
        yield Finding("online", name, "ok", "the virus scanner answers")
