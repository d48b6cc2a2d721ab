"""Where a call may connect to: the address is looked up once, checked, and that very address is connected to.

A name whose owner answers a public address first and a private one later gains nothing, since nobody asks twice.
"""

import ipaddress
import socket
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

import httpcore

from workflows.errors import NeverAgain, SourceDown

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")))
"""Where clouds tell their machines their secrets, outside the link-local range that is refused anyway."""


@dataclass(slots=True)
class Allowance:
    """What the call that is under way may still use."""

    until: float = 0.0  # time.monotonic()
    received: int = 0
    most: int = 0

    def seconds(self) -> float:
        """What is left of its time. Raises `SourceDown("timeout")` where nothing is."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise SourceDown("timeout", detail="the service did not answer in time")
        return left


def is_allowed(text: str, *, private: bool) -> bool:
    """Whether a call may connect to this address; `private` allows the controller's own network and this machine."""
    address = unwrapped(ipaddress.ip_address(text.partition("%")[0]))
    if address in _LOCAL_NAT64:
        return False  # where the IPv4 address stands in it only the network knows
    if address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA:
        return False
    return address.is_global or (private and (address.is_private or address.is_loopback))


def unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64 or address in _LOCAL_NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def checked(host: str, port: int, *, private: bool) -> list[str]:
    """The addresses of a host, each allowed. Raises `NeverAgain("private_address")` if any is not."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SourceDown("name_unknown", detail="the service's name has no address") from None
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if not addresses or not all(is_allowed(one, private=private) for one in addresses):
        remedy = "list the host under allow_private if it is on your own network"
        raise NeverAgain("private_address", detail=f"the service's address is not a public one; {remedy}")
    return addresses


class Watched(httpcore.NetworkStream):
    """A connection that knows how long and how much the call under way may still read."""

    def __init__(self, stream: httpcore.NetworkStream, allowance: Allowance) -> None:
        self._stream, self._allowance = stream, allowance

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 (ours is the one that counts)
        """Some bytes. Raises `NeverAgain("too_large")` where the answer is larger than it may be."""
        data = self._stream.read(max_bytes, self._allowance.seconds())
        self._allowance.received += len(data)
        if self._allowance.received > self._allowance.most:
            raise NeverAgain("too_large", detail="the answer is larger than the source file allows")
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """All bytes."""
        self._stream.write(buffer, self._allowance.seconds())

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Encrypt; the certificate must be the host's, whatever address it has."""
        stream = self._stream.start_tls(ssl_context, server_hostname, self._allowance.seconds())
        return Watched(stream, self._allowance)

    def get_extra_info(self, info: str) -> Any:
        """What the library asks of a connection."""
        return self._stream.get_extra_info(info)


class Checked(httpcore.NetworkBackend):
    """Connects to addresses that were checked, and to no others."""

    def __init__(self, allowance: Allowance, private_hosts: Collection[str]) -> None:
        self._allowance = allowance
        self._private = frozenset(host.lower().rstrip(".") for host in private_hosts)
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's addresses that answers."""
        options = list(socket_options or ())
        failed: Exception | None = None
        for address in checked(host, port, private=host.lower().rstrip(".") in self._private):
            try:
                stream = self._plain.connect_tcp(address, port, self._allowance.seconds(), local_address, options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
                continue
            return Watched(stream, self._allowance)
        raise failed or httpcore.ConnectError()
