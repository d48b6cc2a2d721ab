"""The language of hold rules: CEL with our facts as typed variables and a few functions over dates.

Dates are ISO texts and "" stands for none; a function given "" gives "" (`latest` and `earliest` pass
over it), so that a rule reads on where a date is absent. A text that is no date is an error, and an
error holds.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from workflows.errors import Fault
from workflows.rules.deadlines import add_months
from workflows.rules.items import FACTS, SUBJECT_FACTS
from workflows.rules.limitation import prescription

_TYPES = {str: cel.Type.STRING, float: cel.Type.DOUBLE, bool: cel.Type.BOOL}
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LITERAL = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_MISTAKE = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")


class _NoDateError(ValueError):
    """A text that should be a date and is none."""


@lru_cache(maxsize=16384)
def iso_date(text: str) -> date | None:
    """The date of `YYYY-MM-DD`, None of ""; raises ValueError for anything else."""
    if not text:
        return None
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        raise _NoDateError
    return date.fromisoformat(text)


def _on_date(change: Callable[[date, int], date]) -> Callable[[str, int], str]:
    @lru_cache(maxsize=16384)
    def changed(text: str, n: int) -> str:
        day = iso_date(text)
        return "" if day is None else change(day, n).isoformat()

    return changed


def _best(choose: Callable[[tuple[str, str]], str]) -> Callable[[str, str], str]:
    def chosen(a: str, b: str) -> str:
        if iso_date(a) is None or iso_date(b) is None:
            return a or b
        return choose((a, b))

    return chosen


def _prescription(due_on: str, reminded_on: str, judgment_on: str, today: str) -> str:
    due, now = iso_date(due_on), iso_date(today)
    if due is None or now is None:
        raise _NoDateError
    return prescription(due, iso_date(reminded_on), iso_date(judgment_on), today=now).isoformat()


def _year_end(text: str) -> str:
    day = iso_date(text)
    return "" if day is None else f"{day.year:04d}-12-31"


def _month_end(text: str) -> str:
    day = iso_date(text)
    return "" if day is None else (add_months(day.replace(day=1), 1) - timedelta(days=1)).isoformat()


FUNCTIONS: Mapping[str, tuple[str, Callable[..., str]]] = {
    # name -> the types of its arguments (s text, i whole number), what it does
    "add_years": ("si", _on_date(lambda day, n: add_months(day, 12 * n))),
    "add_months": ("si", _on_date(add_months)),
    "add_days": ("si", _on_date(lambda day, n: day + timedelta(days=n))),
    "year_end": ("s", _year_end),
    "month_end": ("s", _month_end),
    "latest": ("ss", _best(max)),
    "earliest": ("ss", _best(min)),
    "prescription": ("ssss", _prescription),  # due_on, reminded_on, judgment_on, today
}


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression and the facts it names."""

    run: Any
    names: frozenset[str]


@lru_cache(maxsize=1)
def environment() -> Any:
    """The one environment: every fact typed, so that a wrong name or type is refused when a rule is read."""
    arguments = {"s": cel.Type.STRING, "i": cel.Type.INT}
    declared = [
        cel.FunctionDecl(
            name,
            [
                cel.Overload(
                    f"{name}_{kinds}",
                    return_type=cel.Type.STRING,
                    parameters=[arguments[kind] for kind in kinds],
                    impl=function,
                )
            ],
        )
        for name, (kinds, function) in FUNCTIONS.items()
    ]
    variables = {name: _TYPES[kind] for name, kind in {**FACTS, **SUBJECT_FACTS}.items()}
    return cel.NewEnv(variables=variables, functions=declared)


def compile_expression(text: str, *, gives: type[bool] | type[str], where: str) -> Expression | list[Fault]:
    """The expression compiled, or each mistake in it with its line and column."""
    try:
        run = environment().compile(text)
    except RuntimeError as error:
        found = _MISTAKE.findall(str(error)) or [("1", "1", "this is no CEL expression")]
        return [Fault(f"{where}:{line}:{column}", _plain(what), _remedy(what)) for line, column, what in found]
    if run.return_type() != _TYPES[gives]:
        wanted = "true or false" if gives is bool else 'a date as text, or ""'
        return [Fault(f"{where}:1:1", f"the result is {run.return_type().name()}", f"It must give {wanted}.")]
    words = set(_WORD.findall(_LITERAL.sub('""', text)))
    return Expression(run, frozenset(words & (FACTS.keys() | SUBJECT_FACTS.keys())))


def evaluate(expression: Expression, activation: Any) -> bool | str | None:
    """The value, or None if there was an error or a fact it needs is unknown: CEL returns errors, it never raises."""
    value = expression.run.eval(activation)
    kind = value.type()
    if kind in (cel.Type.BOOL, cel.Type.STRING):
        result: bool | str = value.value()
        return result
    return None


def _plain(what: str) -> str:
    """Without what CEL adds for its own developers."""
    return what.split(" (in container", maxsplit=1)[0].split(" expecting {", maxsplit=1)[0].strip()


def _remedy(what: str) -> str:
    if undeclared := re.search(r"undeclared reference to '([^']*)'", what):
        known = [*FACTS, *SUBJECT_FACTS, *FUNCTIONS]
        close = difflib.get_close_matches(undeclared[1], known, n=1)
        return f"Did you mean {close[0]}?" if close else "Use one of: " + ", ".join(sorted(known))
    if "no matching overload" in what and "double" in what and "int" in what:
        return "Amounts need a decimal point: write 0.0, not 0."
    if "no matching overload" in what:
        return "Compare dates and texts with texts in quotes, true and false with nothing."
    return "Mend the expression at this place."
