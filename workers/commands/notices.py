"""`vastine notices`: who was told of a correction, an erasure or a restriction."""

import click

from workers.host import runtime
from workers.speech import give_json, give_table
from workflows import audit
from workflows.recipients.listed import notice_rows, open_notices
from workflows.staffing import require_user
from workflows.views import find_request


@click.command()
@click.argument("reference", required=False)
@click.option("--as", "user", default="", help="Who looks into this case.")
@click.option("--json", "as_json", is_flag=True)
def notices(*, reference: str | None, user: str, as_json: bool) -> None:
    """Show who was told in one case; without a reference, every notice that nobody has answered yet."""
    rt = runtime()
    with rt.unit() as session:
        if reference is None:
            rows = [
                {
                    "reference": ref,
                    "recipient": notice.recipient,
                    "kind": notice.kind.value,
                    "way": notice.way.value,
                    "state": notice.state.value,
                    "due_on": notice.due_on.isoformat(),
                }
                for notice, ref in open_notices(session)
            ]
        else:
            require_user(session, user)
            request = find_request(session, reference, lock=True)
            looked = {"what": "notices", "how": "command line"}
            audit.record(session, "case:read", at=rt.now(), actor=user, request_id=request.id, facts=looked)
            rows = notice_rows(session, rt, request)
    if as_json:
        give_json(rows)
        return
    columns = ["name", "kind", "way", "state", "due_on", "answered_at", "answered_by", "excuse"]
    give_table(rows, columns if reference else ["reference", "recipient", "kind", "way", "state", "due_on"])
