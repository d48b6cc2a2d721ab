"""The demo company's archive of mail on a mail server of its own: Dovecot, where this machine has it.

It runs in a folder of the system's, since it trusts no folder of somebody else's and its sockets need short names.
What was deleted there is deleted in the demo's folder when it ends.
"""

import grp
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workers.demo.place import free_port
from workflows.demo.mailing import FOLDER, SOURCE

_USER, PASSWORD = "asiakaspalvelu", "demo"
_PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
_PATIENCE = 20.0


class MailServerSilent(Exception):  # noqa: N818  # it is no mistake of ours
    """Dovecot is here and does not start."""


def mail_server() -> str:
    """The path of Dovecot; "" where it is not installed."""
    return shutil.which("dovecot") or shutil.which("dovecot", path=_PLACES) or ""


@contextmanager
def keeping_mail(sources: Path) -> Iterator[dict[str, str]]:
    """Serve the mails that `sources` holds until the block ends; the variable that names where."""
    program = mail_server()
    kept = sources / FOLDER
    with tempfile.TemporaryDirectory(prefix="vastine-mail-") as made:
        folder, port = Path(made), free_port(0)
        _furnish(folder, kept, port, version=version_of(program))
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(  # noqa: S603 (found on the path, asked nothing by anybody)
                [program, "-F", "-c", str(folder / "dovecot.conf")], stdout=log, stderr=log, start_new_session=True
            )
        try:
            _await(server, port)
            yield {f"VASTINE_SOURCE_{SOURCE.upper()}_URL": f"imap://{_USER}:{PASSWORD}@127.0.0.1:{port}/?tls=none"}
        finally:
            server.terminate()
            server.wait(timeout=_PATIENCE)
            _take_over(folder / "mail" / _USER, kept)


def _furnish(folder: Path, kept: Path, port: int, *, version: tuple[int, ...]) -> None:
    # As root Dovecot hands its parts to nobody, and lets nobody be root; else everything runs as whoever runs us.
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    folder.chmod(0o755)
    for name in ("run", "state", "home"):
        (folder / name).mkdir()
    shutil.copytree(kept, folder / "mail" / _USER)
    for path in (folder / "mail", folder / "home", *(folder / "mail").rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    (folder / "dovecot.conf").write_text(configuration(folder, port, user=user, version=version), encoding="utf-8")


def configuration(folder: Path, port: int, *, user: pwd.struct_passwd, version: tuple[int, ...]) -> str:
    """What makes Dovecot serve the Maildirs of `folder`/mail on a loopback port, each to whoever has `PASSWORD`.

    `user` owns `folder`/mail and `folder`/home; `folder` has run and state besides.
    """
    store = _store_of_2_4 if version >= (2, 4) else _store_of_2_3
    group = grp.getgrgid(user.pw_gid).gr_name
    return f"""{store(folder, user)}
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/mail.log
protocols = imap
listen = 127.0.0.1
ssl = no
default_internal_user = {user.pw_name}
default_internal_group = {group}
default_login_user = {user.pw_name}
first_valid_uid = 1
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""


def _store_of_2_3(folder: Path, user: pwd.struct_passwd) -> str:
    return f"""
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%u
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={user.pw_uid} gid={user.pw_gid} home={folder}/home/%u allow_all_users=yes
}}"""


def _store_of_2_4(folder: Path, user: pwd.struct_passwd) -> str:
    return f"""dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = {folder}/mail/%{{user}}
passdb static {{
  password = {PASSWORD}
}}
userdb static {{
  userdb_static_allow_all_users = yes
  fields {{
    uid = {user.pw_uid}
    gid = {user.pw_gid}
    home = {folder}/home/%{{user}}
  }}
}}"""


def version_of(program: str) -> tuple[int, ...]:
    """Of this Dovecot. Raises `MailServerSilent`."""
    try:
        shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        raise MailServerSilent from None
    return tuple(int(part) for part in re.findall(r"\d+", shown)[:2])


def _await(server: "subprocess.Popen[bytes]", port: int) -> None:
    ends = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < ends:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise MailServerSilent


def _take_over(served: Path, kept: Path) -> None:
    """What is gone from the served folder goes from the one that stays; names may have changed behind the colon."""
    if not (served / "cur").is_dir():
        return  # somebody cleared the system's folder: that erased nothing
    left = {path.name.partition(":")[0] for name in ("cur", "new") for path in (served / name).glob("*")}
    for path in (kept / "cur").glob("*"):
        if path.name.partition(":")[0] not in left:
            path.unlink()
