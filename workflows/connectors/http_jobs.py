"""Work that a service does in its own time: where it is looked up, and how it stands."""

from typing import Literal
from urllib.parse import quote

from workflows.connectors.http_client import Answer
from workflows.connectors.http_json import at, parsed
from workflows.connectors.http_session import Ask, Session
from workflows.errors import NeverAgain
from workflows.register.http_connection import Job

JobState = Literal["running", "done", "failed"]


def begun(answer: Answer, job: Job | None) -> str | None:
    """Where the job is looked up that this answer of 202 begins; None where the answer is final.

    Raises `NeverAgain("no_job")` where the service works on and the source file does not say how to look it up, or
    the service does not say which job it is: it can't be told when it is done.
    """
    if answer.status != 202:
        return None
    if job is None:
        raise NeverAgain("no_job", detail="the service works on, and the source file does not say how to look it up")
    if not job.id:
        there = answer.headers.get("location", "")
    else:
        ident = at(parsed(answer.body, answer.content_type), job.id, missing=None)
        told = isinstance(ident, (str, int)) and not isinstance(ident, bool) and str(ident) not in ("", ".", "..")
        there = job.path.replace("{job}", quote(str(ident), safe="")) if told else ""
    if not there:
        raise NeverAgain("no_job", detail="the service works on, and does not say where to look it up")
    return there


class Jobs:
    """Asks a service about its jobs."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def state(self, where: str, job: Job) -> JobState:
        """How the job stands; one that is forgotten counts as done, since the record itself is looked at then.

        Raises `NeverAgain("schema_changed")` where the answer does not tell the state.
        """
        answer, value = self._session.read(Ask(where), absent=True)
        if answer.status in (404, 410):
            return "done"
        said = str(at(value, job.state)).lower()
        if said in {word.lower() for word in job.done}:
            return "done"
        return "failed" if said in {word.lower() for word in job.failed} else "running"
