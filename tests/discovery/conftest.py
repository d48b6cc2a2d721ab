"""The command line, as the tests of the workers have it."""

from tests.workers.conftest import environ, vastine

__all__ = ["environ", "vastine"]
