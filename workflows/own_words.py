"""What a person who answers outside the flows writes: sealed with the case, and opened for its letter."""

import json

from models.request import Request
from models.vocabulary import Letter, Outcome
from workflows.ports import RequestKey
from workflows.rules.items import canonical


def seal_answer(key: RequestKey, request: Request, letter: Letter, *, words: str, by: str) -> bytes:
    """Seal which letter it is, what it says and the name of who says it."""
    return key.seal(canonical({"letter": letter.value, "words": words, "by": by}).encode(), _place(request))


def open_answer(key: RequestKey, request: Request) -> tuple[Letter, dict[str, str]] | None:
    """The letter and the facts that it needs; None where the flows answer."""
    if request.outcome is not Outcome.BY_HAND or request.answer_sealed is None:
        return None
    told = json.loads(key.open(request.answer_sealed, _place(request)))
    return Letter(told["letter"]), {"answer": told["words"], "answered_by": told["by"]}


def _place(request: Request) -> str:
    return f"requests.answer:{request.id}"
