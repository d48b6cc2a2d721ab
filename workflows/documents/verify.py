"""Checks a package without the database: every file as listed, none added, signature good."""

import base64
import hashlib
import zipfile
import zlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from workflows.documents.bundle import MANIFEST, PUBLIC_KEY, SIGNATURE, UNLISTED
from workflows.errors import Fault

_BLOCK = 1 << 20
_LARGEST_TEXT = 1 << 22


def verify_package(path: Path | str, *, public_key: bytes | None = None) -> list[Fault]:
    """What is wrong with the package at `path`; [] if nothing is.

    With `public_key` (raw Ed25519, 32 bytes) the signature must be there and be by that key; without it
    the key in the package is used, which proves that nothing changed by accident but not who made it.
    """
    try:
        with zipfile.ZipFile(path) as package:
            return _verify(package, public_key)
    except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError):
        return [Fault("package", "this is no readable zip file", "fetch the package again")]


def _verify(package: zipfile.ZipFile, public_key: bytes | None) -> list[Fault]:
    names = package.namelist()
    if MANIFEST not in names:
        return [Fault(MANIFEST, "the manifest is missing", "fetch the package again")]
    faults = [Fault(n, "this file is in the zip more than once", "fetch it again") for n in _doubled(names)]
    manifest = _text(package, MANIFEST)
    listed: dict[str, str] = {}
    for number, line in enumerate(manifest.decode("utf-8", "replace").splitlines(), start=1):
        digest, mark, name = line.partition("  ")
        if not mark or len(digest) != 64:
            faults.append(Fault(f"{MANIFEST}:{number}", "this line is not `hash  path`", "fetch the package again"))
            continue
        listed[name] = digest
    for name, digest in listed.items():
        if name not in names:
            faults.append(Fault(name, "the file is missing", "fetch the package again"))
        elif _digest(package, name) != digest:
            faults.append(Fault(name, "the file is not the one that was packed", "fetch the package again"))
    added = sorted(set(names) - listed.keys() - UNLISTED)
    faults += [Fault(name, "the file is not in the manifest", "do not open it") for name in added]
    return faults + _signature_faults(package, manifest, public_key=public_key)


def _signature_faults(package: zipfile.ZipFile, manifest: bytes, *, public_key: bytes | None) -> list[Fault]:
    names = package.namelist()
    if SIGNATURE not in names:
        if public_key is None and PUBLIC_KEY not in names:
            return []
        return [Fault(SIGNATURE, "the signature is missing", "ask the sender for a signed package")]
    try:
        told = _exact(_text(package, PUBLIC_KEY), b"ed25519 ")
        key = public_key or told
        signature = _exact(_text(package, SIGNATURE), b"")
        Ed25519PublicKey.from_public_bytes(key).verify(signature, manifest)
    except (InvalidSignature, ValueError, KeyError, IndexError):
        return [Fault(SIGNATURE, "the signature does not fit the manifest", "do not trust this package")]
    return []


def _exact(line: bytes, head: bytes) -> bytes:
    """The bytes that a line of ours encodes; ValueError if it is written in any other way."""
    value = base64.b64decode(line[len(head) : -1], validate=True)
    if head + base64.b64encode(value) + b"\n" != line:
        raise ValueError
    return value


def _text(package: zipfile.ZipFile, name: str) -> bytes:
    with package.open(name) as file:
        return file.read(_LARGEST_TEXT)


def _digest(package: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    try:
        with package.open(name) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError, zlib.error):
        return ""
    return digest.hexdigest()


def _doubled(names: list[str]) -> list[str]:
    return sorted({n for n in names if names.count(n) > 1})
