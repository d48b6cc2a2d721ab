"""Mail is read when it comes, by a thread that waits in its mailbox."""

import time
from pathlib import Path

from sqlalchemy import select

from models.intake import Message
from tests.mail_servers import ImapAccount
from tests.world import World, make_world
from workers.watching import Watch
from workflows.adapters.mailbox import ImapInbox
from workflows.setting_values import mail_server

RAW = b"From: x@y.example\r\nMessage-ID: <%d@y.example>\r\n\r\nWhen are you open?\r\n"


def comes_in(world: World, number: int) -> None:
    """Wait until so many messages are kept."""
    end = time.monotonic() + 30
    count = 0
    while count < number:
        assert time.monotonic() < end, f"{count} of {number} messages came in"
        time.sleep(0.05)
        with world.rt.unit() as session:
            count = len(session.scalars(select(Message.id)).all())


def test_mail_comes_in_as_it_is_delivered_also_after_the_line_was_cut(tmp_path: Path, imap_server: ImapAccount) -> None:
    world = make_world(tmp_path)
    inbox = ImapInbox(mail_server(f"{imap_server.url}?tls=none", "imap"))
    watch = Watch(world.rt, {"one": inbox})
    imap_server.append(RAW % 1)
    watch.start()
    try:
        comes_in(world, 1)
        imap_server.append(RAW % 2)
        comes_in(world, 2)
        assert inbox._mailbox is not None
        inbox._mailbox.client.sock.shutdown(2)
        imap_server.append(RAW % 3)
        comes_in(world, 3)
    finally:
        watch.stop()
    assert imap_server.messages() == []
