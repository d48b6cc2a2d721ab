"""In which order rows may go: children before the rows they point at."""

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

R = TypeVar("R", bound=Hashable)


def waves(rows: Iterable[R], points_at: Mapping[R, set[R]]) -> tuple[list[list[R]], list[R]]:
    """Waves in which no row is pointed at by a later one, and the rows of cycles, which no order can serve.

    A row that points at itself only is no cycle. Rows that hang below a cycle come in the waves, rows that
    a cycle points at come with the cycle.
    """
    left = dict.fromkeys(rows)
    pointers = dict.fromkeys(left, 0)
    for row in left:
        for parent in points_at.get(row, ()):
            if parent != row and parent in pointers:
                pointers[parent] += 1
    result: list[list[R]] = []
    wave = [row for row in left if not pointers[row]]
    while wave:
        result.append(wave)
        after: list[R] = []
        for row in wave:
            del left[row]
            for parent in points_at.get(row, ()):
                if parent != row and parent in left:
                    pointers[parent] -= 1
                    if not pointers[parent]:
                        after.append(parent)
        wave = after
    return result, list(left)
