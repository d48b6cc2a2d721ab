"""Templates that one test compiled are not compiled again for the next test's application."""

from typing import Any

from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket


class _InMemory(BytecodeCache):
    """Bytecode by the kind of environment, the template and its source."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def get_bucket(self, environment: Environment, name: str, filename: str | None, source: str) -> Bucket:
        key = self.get_cache_key(f"{type(environment).__qualname__}:{name}", filename)
        bucket = Bucket(environment, key, self.get_source_checksum(source))
        self.load_bytecode(bucket)
        return bucket

    def load_bytecode(self, bucket: Bucket) -> None:
        if kept := self._kept.get(bucket.key):
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


def share() -> None:
    """From now on all environments of this process share what is compiled."""
    shared, begin = _InMemory(), Environment.__init__

    def with_shared_templates(self: Environment, *args: Any, **options: Any) -> None:
        begin(self, *args, **options)
        self.bytecode_cache = self.bytecode_cache or shared

    Environment.__init__ = with_shared_templates  # type: ignore[method-assign]
