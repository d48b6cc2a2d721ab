"""Keeps the tests on this machine: a connection to anywhere else is refused and fails the test that tried.

It is an audit hook, so that nothing in this process gets round it, whatever library it uses; children of the
process and libraries that connect in C (libpq) are not seen.
"""

import ipaddress
import socket
import sys
from typing import Any

attempts: list[str] = []
"""Where the running test tried to connect to; emptied before each test."""


def _is_here(host: object) -> bool:
    if not isinstance(host, str):
        return True  # a local socket's path as bytes, or no address at all
    if host in {"", "localhost", socket.gethostname()}:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        if isinstance(address, tuple) and address and not _is_here(address[0]):
            attempts.append(f"{address[0]}:{address[1]}")
            raise ConnectionRefusedError("tests talk to this machine only")
    elif event == "socket.getaddrinfo" and not _is_name_here(arguments[0]):
        # Looking a name up leaves the machine too, but a test may ask what happens when there is no answer.
        raise socket.gaierror(socket.EAI_NONAME, "tests look nothing up")


def _is_name_here(host: object) -> bool:
    if host is None:
        return True
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    try:
        ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return _is_here(host)
    return True  # an address needs no look-up


def raise_it() -> None:
    """Put the guard up for the rest of this process."""
    sys.addaudithook(_refuse)
