"""One line a task, named after the story. Ids in, nothing out; safe to ring twice."""

from datetime import timedelta
from typing import Any

from celery import Celery

from workers.app import Process
from workflows import lookout, news, pace
from workflows.doors import knocking, minding
from workflows.engine import drain
from workflows.mailroom import poll
from workflows.messages import LOOK, POLL, RECHECK, REMIND, SEND, SWEEP, WORK, task_name
from workflows.post import send_all
from workflows.purge.run import purge
from workflows.recipients.sending import send_notices
from workflows.rectifying.watching import watch_corrections
from workflows.reminding import remind
from workflows.replays.probing import probe
from workflows.retention.carrying import carry_out_approved
from workflows.sweeps import orphan_blobs, rechecks, sweep
from workflows.unmapped import watch_columns

_UNFINISHED = timedelta(days=1)
"""No writer takes so long: what is older was left by a process that died."""


def register_tasks(app: Celery, process: Process) -> None:
    """Add every task of `workflows.messages.QUEUES` to the application.

    A task for a kind of work claims that kind first and may follow a request through all the kinds this
    worker consumes. None is shared: an application made later in the same process must not hear with our runtime.
    """
    for kind in WORK:
        app.task(name=task_name(kind), shared=False)(_work(process, kind))

    @app.task(name=task_name(SEND), shared=False)
    def send(**_: Any) -> None:
        send_all(process.runtime())
        send_notices(process.runtime())

    @app.task(name=task_name(POLL), shared=False)
    def poll_mailbox(**_: Any) -> None:
        poll(process.runtime())

    @app.task(name=task_name(SWEEP), shared=False)
    def sweep_all(**_: Any) -> None:
        sweep(process.runtime())
        minding.alive(process.runtime())

    @app.task(name=task_name(REMIND), shared=False)
    def remind_all(**_: Any) -> None:
        remind(process.runtime())

    @app.task(name=task_name(RECHECK), shared=False)
    def recheck_all(**_: Any) -> None:
        rt = process.runtime()
        rechecks(rt, every=True)
        news.forget(rt)
        minding.forget(rt)
        pace.forget(rt)
        purge(rt)
        orphan_blobs(rt)
        rt.blobs.clear_unfinished(rt.now() - _UNFINISHED)
        carry_out_approved(rt)
        watch_columns(rt)  # last: these ask sources, and one may take its time
        probe(rt)
        watch_corrections(rt)

    @app.task(name=task_name(LOOK), shared=False)
    def look_after_sources(**_: Any) -> None:
        lookout.knock(process.runtime())
        lookout.look(process.runtime())
        knocking.knock(process.runtime())
        minding.mind(process.runtime())


def _work(process: Process, kind: str) -> Any:
    def work(**_: Any) -> None:
        drain(process.runtime(), (kind,), follow=process.kinds or WORK)

    work.__name__ = kind
    return work
