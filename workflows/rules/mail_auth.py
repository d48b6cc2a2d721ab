"""What our own mail server found out about where a mail comes from. A hint for readers, never a proof of a person.

Anybody can write such a header. Ours is known by its name, which our server must take out of what comes from
outside, and by its place: above all that was there when the mail reached us.
Source: RFC 8601 sections 2.2, 4.1 and 5.
"""

from collections.abc import Collection, Mapping, Sequence

import authres

_RESULTS = frozenset(
    {"pass", "fail", "none", "neutral", "softfail", "policy", "temperror", "permerror", "bestguesspass", "hardfail"}
)
_METHODS = ("spf", "dkim", "dmarc")
_LONGEST = 4_000
_MOST = 20


def authenticated(
    headers: Sequence[tuple[str, str]], *, authserv_ids: Collection[str], own_hops: int
) -> Mapping[str, str]:
    """Method (spf, dkim, dmarc) to result word, from the topmost header of our own server; {} where there is none.

    `own_hops`: how many Received lines our own servers add; what stands below them came from outside.
    """
    ours = {i.strip().lower() for i in authserv_ids if i.strip()}
    if not ours:
        return {}
    hops = seen = 0
    for name, value in headers:
        hops += name == "received"
        if hops > own_hops or seen >= _MOST:
            return {}
        if name != "authentication-results":
            continue
        seen += 1
        server = value.partition(";")[0].split()[:1]
        if server and server[0].lower() in ours:
            return _read(value)
    return {}


def _read(value: str) -> Mapping[str, str]:
    if len(value) > _LONGEST:
        return {}
    try:
        header = authres.AuthenticationResultsHeader.parse(f"Authentication-Results: {value}")
        results = [(str(r.method).lower(), str(r.result).lower()) for r in header.results]
    except Exception:  # noqa: BLE001 - a header that can't be read tells nothing, whatever the library thinks of it
        return {}
    found: dict[str, str] = {}
    for method, result in results:
        if method in _METHODS and result in _RESULTS and (method not in found or result == "pass"):
            found[method] = result  # one of several signatures that holds is enough
    return found
