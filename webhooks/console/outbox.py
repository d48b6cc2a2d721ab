"""The mail that stays here while nothing is sent: for the demo and for trying things out."""

from flask import Blueprint, abort
from werkzeug.wrappers import Response as BaseResponse

from webhooks.console.roles import VERIFY, allow
from webhooks.console.shell import Shell
from workflows.adapters.mail import kept_mails

_MOST = 100


def pages(shell: Shell) -> Blueprint:
    """The outbox; there is none where mail really leaves."""
    rt = shell.rt
    blueprint = Blueprint("outbox", __name__)

    @blueprint.get("/outbox")
    @allow(VERIFY)
    def outbox() -> BaseResponse:
        if not shell.keeps_mail or rt.settings.mode != "trial":
            abort(404)
        mails = []
        folder = rt.settings.outbox_dir
        for _, mail in kept_mails(folder) if folder.exists() else ():
            body = mail.get_body(("plain",))
            mails.append(
                {
                    "to": str(mail["To"] or ""),
                    "subject": str(mail["Subject"] or ""),
                    "date": mail["Date"].datetime if mail["Date"] else None,
                    "language": str(mail["Content-Language"] or ""),
                    "text": str(body.get_content()) if body else "",
                }
            )
            if len(mails) >= _MOST:
                break
        return shell.page("outbox.html", mails=mails)

    return blueprint
