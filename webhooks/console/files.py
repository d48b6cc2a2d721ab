"""Letters and packages, streamed as they are decrypted; each fetch is an audit entry."""

from collections.abc import Iterator

from flask import Blueprint, Response, g
from werkzeug.wrappers import Response as BaseResponse

from webhooks.console.roles import RECORDS, allow
from webhooks.console.shell import Shell
from workflows.answer import fetch
from workflows.views import find_request

_CHUNK = 65_536


def pages(shell: Shell) -> Blueprint:
    """Downloads."""
    rt = shell.rt
    blueprint = Blueprint("files", __name__)

    @blueprint.get("/requests/<reference>/files/<name>")
    @allow(RECORDS)
    def file(reference: str, name: str) -> BaseResponse:
        with rt.unit() as session:
            case = find_request(session, reference, lock=True)
            row, key = fetch(session, rt, case, name, actor=g.user.name)

        def stream() -> Iterator[bytes]:
            with rt.blobs.read(row.blob, key) as plain:
                while chunk := plain.read(_CHUNK):
                    yield chunk

        response = Response(stream(), mimetype=row.media_type)
        response.headers["Content-Disposition"] = f'attachment; filename="{case.reference}_{row.name}"'
        response.headers["Content-Length"] = str(row.size_bytes)
        return response

    return blueprint
