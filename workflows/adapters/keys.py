"""The key vault: a key ring in a file, AES-256-GCM for bytes, HMAC-SHA-256 for digests."""

import base64
import binascii
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from workflows.errors import BadInput, Fault, NeverAgain
from workflows.ports import RequestKey
from workflows.setting_values import weak

_FORMAT = b"\x01"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_TAG_BYTES = 16
_LONGEST_RING_BYTES = 1_048_576


class AesKey:
    """One key of AES-256-GCM. Sealed form: format byte, nonce (12), ciphertext and tag; the context is bound to it.

    Nonces are random: one key must not seal more than 2**32 times, which no request comes near.
    """

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise NeverAgain("sealed", detail="a key is not of 32 bytes")
        self._aead = AESGCM(key)

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt and bind to `context`."""
        nonce = os.urandom(_NONCE_BYTES)
        return _FORMAT + nonce + self._aead.encrypt(nonce, plain, _FORMAT + context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt; raises `NeverAgain("sealed")` if anything is not as it was sealed."""
        if len(sealed) < 1 + _NONCE_BYTES + _TAG_BYTES or sealed[:1] != _FORMAT:
            raise NeverAgain("sealed", detail="not sealed bytes of a known format")
        nonce, sealed_text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._aead.decrypt(nonce, sealed_text, _FORMAT + context.encode())
        except InvalidTag:
            raise NeverAgain("sealed", detail="the bytes, the key or the context are not the same") from None

    def __repr__(self) -> str:
        """No key material."""
        return "<AesKey>"


class FileKeyVault:
    """`KeyVault` over a key ring: master keys by id, of which one is current, and one key for digests.

    Rotation adds a master key and keeps the old ones, so what they wrapped stays readable; the digest key
    stays, so that what was looked up by digest is still found.
    """

    __slots__ = ("_current", "_digest_key", "_keys", "_path")

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Read the ring; with `create` make a new one where none is. Raises `BadInput` if it is unfit for use."""
        self._path = path
        if create and not path.exists():
            _create(path)
        self._take(_read(path))

    @property
    def master_key(self) -> str:
        """The id of the key that wraps new keys."""
        return self._current

    @property
    def master_keys(self) -> tuple[str, ...]:
        """The ids of all keys of the ring."""
        return tuple(self._keys)

    def new_key(self) -> tuple[bytes, RequestKey]:
        """A fresh key: wrapped for the database, and opened."""
        key = secrets.token_bytes(_KEY_BYTES)
        return self._keys[self._current].seal(key, _wrapping(self._current)), AesKey(key)

    def unwrap(self, wrapped: bytes, master_key: str) -> RequestKey:
        """Open a wrapped key; raises `NeverAgain("sealed")` if the ring has no such master key or it is another's."""
        return AesKey(self._opened(wrapped, master_key))

    def rewrap(self, wrapped: bytes, master_key: str) -> tuple[bytes, str]:
        """The same key wrapped by the current master key, and that one's id; the bytes it sealed stay as they are."""
        key = self._opened(wrapped, master_key)
        return self._keys[self._current].seal(key, _wrapping(self._current)), self._current

    def digest(self, purpose: str, value: str) -> bytes:
        """Keyed 32-byte digest; a purpose has its own key."""
        return hmac.new(self.derive(f"digest:{purpose}"), value.encode(), hashlib.sha256).digest()

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key of its own for a purpose (session cookies, signed links); stays the same over rotations."""
        info = b"vastine/1:" + purpose.encode()
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(self._digest_key)

    def rotate(self) -> str:
        """Add a master key and make it current; returns its id. Other processes see it when they start anew.

        A process that started before can't unwrap what the new key wrapped: `unwrap` reads the ring again then.
        """
        with _locked(self._path):
            ring = _read(self._path)
            identity = _new_id()
            ring["keys"][identity] = _new_secret()
            ring["current"] = identity
            _write(self._path, ring, os.replace)
        self._take(ring)
        return identity

    def _opened(self, wrapped: bytes, master_key: str) -> bytes:
        if master_key not in self._keys:
            self._take(_read(self._path))  # another process may have rotated since we started
        if master_key not in self._keys:
            raise NeverAgain("sealed", detail="the key ring has no such master key")
        return self._keys[master_key].open(wrapped, _wrapping(master_key))

    def _take(self, ring: Mapping[str, Any]) -> None:
        self._current = str(ring["current"])
        self._keys = {identity: AesKey(base64.b64decode(text)) for identity, text in ring["keys"].items()}
        self._digest_key = base64.b64decode(ring["digest"])

    def __repr__(self) -> str:
        """No key material."""
        return f"<FileKeyVault {len(self._keys)} keys>"


def create_key_file(path: Path) -> None:
    """Make a new key ring, readable by its owner only; raises `BadInput` if there is one already."""
    if path.exists():
        raise BadInput([Fault(str(path), "exists already", "rotate it instead, or name another file")], "bad_key_file")
    _create(path)


def _wrapping(identity: str) -> str:
    return f"vastine.key:{identity}"


def _new_id() -> str:
    return f"k{secrets.token_hex(4)}"


def _new_secret() -> str:
    return base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def _create(path: Path) -> None:
    identity = _new_id()
    ring = {"current": identity, "keys": {identity: _new_secret()}, "digest": _new_secret()}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):  # two processes started at once: the first one's ring is the ring
            _write(path, ring, os.link)
    except OSError as error:
        raise _unfit(path, f"can't be made ({error.strerror})", "check the folder and its rights") from None


def _write(path: Path, ring: Mapping[str, Any], publish: Callable[[str, str], None]) -> None:
    """Write beside it, then put it in place whole: `os.link` never overwrites, `os.replace` does."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as stream:
            json.dump(ring, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        publish(str(beside), str(path))
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One rotation at a time; the lock lies beside the ring, which is replaced under it."""
    handle = os.open(path.with_name(f".{path.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            raw = stream.read(_LONGEST_RING_BYTES)
    except OSError as error:
        raise _unfit(path, f"can't be read ({error.strerror})", "check VASTINE_KEY_FILE") from None
    if not stat.S_ISREG(status.st_mode):
        raise _unfit(path, "is not a file", "check VASTINE_KEY_FILE")
    if status.st_mode & 0o077:
        raise _unfit(
            path, "can be read or changed by others than its owner", "chmod 600 it (a container's secret: mode 0400)"
        )
    try:
        ring = json.loads(raw)
        keys = {str(identity): _secret(text) for identity, text in ring["keys"].items()}
        digest, current = _secret(ring["digest"]), ring["current"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _unfit(path, "is not a key ring", 'it is JSON: {"current": …, "keys": {…}, "digest": …}') from None
    for key in (*keys.values(), digest):
        if len(key) != _KEY_BYTES or weak(key):
            raise _unfit(path, "holds a key that is not 32 random bytes", "make a new ring, or restore the true one")
    if current not in keys:
        raise _unfit(path, "names a current key that it does not hold", "restore the true ring")
    if digest in keys.values() or len(set(keys.values())) != len(keys):
        raise _unfit(path, "holds the same key twice", "every key has one purpose: make a new ring")
    return dict(ring)


def _secret(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError("a key is text")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None


def _unfit(path: Path, what: str, remedy: str) -> BadInput:
    return BadInput([Fault(path.name, what, remedy)], "bad_key_file")


__all__ = ["AesKey", "FileKeyVault", "create_key_file"]
