"""A zip that is the same byte for byte for the same content, and the manifest of what is in it."""

import hashlib
import zipfile
from collections.abc import Iterable
from typing import BinaryIO

from workflows.errors import NeverAgain

MANIFEST = "manifest-sha256.txt"
SIGNATURE = "manifest.json.sig"
PUBLIC_KEY = "public_key.txt"
UNLISTED = frozenset({MANIFEST, SIGNATURE, PUBLIC_KEY})
_LEVEL = 6
_TIME = (2020, 1, 1, 0, 0, 0)  # says nothing, so that equal content gives equal bytes
_MODE = 0o644 << 16
_NAME_BYTES = 120


class Bundle:
    """Files in the order they are added; streams, never seeks back."""

    def __init__(self, out: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
        self.digests: dict[str, str] = {}
        self.size_bytes = 0

    def add(self, name: str, content: bytes | str | Iterable[bytes]) -> None:
        """One file; names are ours, ASCII, relative and each used once."""
        if name in self.digests or not name.isascii() or len(name) > _NAME_BYTES or ".." in name or name[0] == "/":
            raise NeverAgain("file_name", detail="A file of the package has no usable name.")
        info = zipfile.ZipInfo(name, date_time=_TIME)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = _MODE
        info.create_system = 3
        digest = hashlib.sha256()
        if isinstance(content, str):
            content = content.encode()
        with self._zip.open(info, "w", force_zip64=not isinstance(content, bytes)) as file:
            for chunk in [content] if isinstance(content, bytes) else content:
                digest.update(chunk)
                file.write(chunk)
                self.size_bytes += len(chunk)
        self.digests[name] = digest.hexdigest()

    def manifest(self) -> bytes:
        """`hash  path`, by path, of all files so far."""
        return "".join(f"{self.digests[name]}  {name}\n" for name in sorted(self.digests)).encode()

    def close(self) -> None:
        """Write the directory of the zip."""
        self._zip.close()
