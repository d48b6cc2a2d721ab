"""Messages to the person, and what they wrote on the page of their case."""

from flask import Blueprint, g, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from webhooks.console.decision import act
from webhooks.console.hand import uploaded
from webhooks.console.roles import WORK, allow, takes_files
from webhooks.console.shell import Shell
from webhooks.handwork import UPLOAD_BYTES
from workflows import thread
from workflows.rules.form import MESSAGE_CHARACTERS

_MOST_READ = 1000


def pages(shell: Shell) -> Blueprint:
    """Writing to the person."""
    blueprint = Blueprint("thread", __name__)

    @blueprint.post("/requests/<reference>/message")
    @allow(WORK)
    @takes_files(UPLOAD_BYTES)
    def message(reference: str) -> BaseResponse:
        content = uploaded()

        def work(session: Session, case: Request) -> str:
            words = request.form.get("words", "")[: 4 * MESSAGE_CHARACTERS + 1]
            read = request.form.getlist("read")[:_MOST_READ]
            told = thread.reply(
                session, shell.rt, case, user=g.user.name, words=words, content=content or None, read=read
            )
            return "replied" if told else "replied_untold"

        return act(shell, reference, work, form="thread")

    return blueprint
