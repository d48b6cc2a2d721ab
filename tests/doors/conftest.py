"""A house with its doors open on real ports: portal, console, a mail server on the way out, a mailbox on the way in."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.doors.house import House, open_house
from tests.mail_servers import SmtpSink
from tests.processes import free_port


@pytest.fixture
def move_in(tmp_path: Path, smtp_sink: SmtpSink) -> Iterator[Callable[..., House]]:
    """A function that opens the house; `more` is its environment, `doors` what its register says of them."""
    with ExitStack() as stack:

        def enter(doors: str = "", *, serving: bool = True, **more: str) -> House:
            ports = free_port(), free_port()
            house = open_house(tmp_path, smtp_sink, ports=ports, doors=doors, more=more)
            stack.callback(house.close)
            if serving:
                house.serve(stack)
            return house

        yield enter


@pytest.fixture
def house(move_in: Callable[..., House]) -> House:
    """The house with every door open."""
    return move_in()
