"""A drop on an SFTP server. The server's key must be one we were given; nothing is trusted on first use."""

import hashlib
import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import BinaryIO, cast

import paramiko

from workflows.connectors.drops import PART, Before, Dropped, Write, nothing
from workflows.errors import BadInput, Fault, NeverAgain, SourceDown, TryAgain, VastineError

DEPTH = 8
FILES = 100_000


class SftpDrop:
    """A folder on a server, one connection for each call."""

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        *,
        folder: str,
        known_hosts: str,
        password: str = "",
        key: str = "",
        timeout_seconds: float = 60,
    ) -> None:
        self._host, self._port, self._user, self._folder = host, port, user, PurePosixPath(folder or ".")
        self._password, self._timeout = password, timeout_seconds
        self._hosts = _host_keys(known_hosts)
        self._key = _private_key(key, password) if key else None

    def files(self) -> list[Dropped]:
        """All files below the folder."""
        with self._connected() as sftp:
            found = list(self._below(sftp, PurePosixPath("."), DEPTH))
        return sorted(found, key=lambda f: f.name)

    @contextmanager
    def open(self, file: Dropped) -> Iterator[BinaryIO]:
        """Read one, with several requests on their way at once."""
        with self._connected() as sftp:
            with sftp.open(str(self._folder / file.name), "rb", bufsize=1 << 16) as stream:
                self._unchanged(sftp, file)
                stream.prefetch(file.size, max_concurrent_requests=64)
                yield cast("BinaryIO", stream)
            self._unchanged(sftp, file)

    def replace(self, file: Dropped, write: Write, *, before: Before = nothing) -> Dropped:
        """Write beside it, then rename over it in one step of the server.

        A server tells times in seconds: what is written in the same second and as long is told by its digest, taken
        before and after. Between that and the rename there is one call in which another writer's change is lost.
        """
        path = str(self._folder / file.name)
        with self._connected() as sftp:
            try:
                old, known = sftp.stat(path), self._digest(sftp, path)
                with sftp.open(path + PART, "wb", bufsize=1 << 16) as out:
                    out.set_pipelined(True)
                    write(cast("BinaryIO", out))
                    out.flush()
                sftp.chmod(path + PART, stat.S_IMODE(old.st_mode or 0o600))
                sftp.utime(path + PART, (old.st_atime or 0, old.st_mtime or 0))
                before()
                if self._digest(sftp, path) != known or self._at(file.name, sftp.stat(path)) != file:
                    raise TryAgain("changed_meanwhile", detail="the file was written to while it was rewritten")
                sftp.posix_rename(path + PART, path)
            except BaseException:
                self._clear(sftp, path + PART)
                raise
            return self._at(file.name, sftp.stat(path))

    @staticmethod
    def _digest(sftp: paramiko.SFTPClient, path: str) -> bytes:
        digest = hashlib.sha256()
        with sftp.open(path, "rb", bufsize=1 << 16) as stream:
            stream.prefetch(max_concurrent_requests=64)
            while part := stream.read(1 << 16):
                digest.update(part)
        return digest.digest()

    @staticmethod
    def _clear(sftp: paramiko.SFTPClient, path: str) -> None:
        try:
            sftp.remove(path)
        except (OSError, EOFError, paramiko.SSHException):
            return  # gone already, or the server is: what is left is named so that nobody reads it

    @contextmanager
    def _connected(self) -> Iterator[paramiko.SFTPClient]:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        for name, kind, key in self._hosts:
            client.get_host_keys().add(name, kind, key)
        try:
            client.connect(
                self._host,
                self._port,
                self._user,
                password=self._password if self._key is None else None,
                pkey=self._key,
                timeout=self._timeout,
                banner_timeout=self._timeout,
                auth_timeout=self._timeout,
                allow_agent=False,
                look_for_keys=False,
            )
            with client.open_sftp() as sftp:
                channel = sftp.get_channel()
                if channel is not None:
                    channel.settimeout(self._timeout)
                yield sftp
        except VastineError:
            raise
        except paramiko.BadHostKeyException:
            raise NeverAgain("wrong_host_key", detail="the server's key is not the one that is known") from None
        except paramiko.AuthenticationException:
            raise NeverAgain("refused", detail="the server refused the user") from None
        except paramiko.SSHException as error:
            if "not found in known_hosts" in str(error):
                raise NeverAgain("wrong_host_key", detail="the server's key is not known") from None
            raise SourceDown("source_down", detail="the server does not speak SSH as it should") from None
        except PermissionError:
            raise NeverAgain("refused", detail="the user may not do this in the drop") from None
        except FileNotFoundError:
            raise SourceDown("source_down", detail="the folder or a file in it is not there") from None
        except (OSError, EOFError):
            raise SourceDown("source_down", detail="the server does not answer") from None
        finally:
            client.close()

    def _below(self, sftp: paramiko.SFTPClient, at: PurePosixPath, depth: int) -> Iterator[Dropped]:
        for n, entry in enumerate(sftp.listdir_iter(str(self._folder / at))):
            if n >= FILES:
                raise NeverAgain("too_many_files", detail="more files in one folder than anybody reads")
            mode = entry.st_mode or 0
            if stat.S_ISREG(mode):
                yield self._at((at / entry.filename).as_posix(), entry)
            elif stat.S_ISDIR(mode) and depth > 1:
                yield from self._below(sftp, at / entry.filename, depth - 1)

    @staticmethod
    def _at(name: str, entry: paramiko.SFTPAttributes) -> Dropped:
        size, modified = entry.st_size or 0, entry.st_mtime or 0
        return Dropped(name, size, datetime.fromtimestamp(modified, UTC), f"{size}-{modified}")

    def _unchanged(self, sftp: paramiko.SFTPClient, file: Dropped) -> None:
        if self._at(file.name, sftp.stat(str(self._folder / file.name))) != file:
            raise TryAgain("still_written", detail="a file changed while it was read")


def _host_keys(text: str) -> list[tuple[str, str, paramiko.PKey]]:
    """The lines of a known_hosts. Raises `BadInput` where none of them is a host's key."""
    found = []
    for line in text.splitlines():
        try:
            entry = paramiko.hostkeys.HostKeyEntry.from_line(line)
        except (paramiko.SSHException, paramiko.hostkeys.InvalidHostKey, ValueError):
            entry = None
        if entry is not None and entry.key is not None:
            found += [(name, entry.key.get_name(), entry.key) for name in entry.hostnames or ()]
    if not found:
        remedy = "write the server's line as it stands in a known_hosts file"
        raise BadInput([Fault("connection.known_hosts", "there is no key of a host in it", remedy)], "secret")
    return found


def _private_key(text: str, password: str) -> paramiko.PKey:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text + "\n"), password=password or None)
        except (paramiko.SSHException, ValueError):
            continue
    remedy = "give an Ed25519, ECDSA or RSA key in OpenSSH format, and its passphrase as `password`"
    raise BadInput([Fault("connection.key", "this is no private key, or its passphrase is another", remedy)], "secret")
