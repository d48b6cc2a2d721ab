"""What a database's refusal means for one record: a code for the plan, so that it is said before anyone approves."""

from sqlalchemy import exc

_BY_STATE = {
    # SQLSTATE -> code
    "23502": "not_null",
    "23503": "referenced",
    "23505": "unique",
    "23514": "check",
    "23P01": "unique",
    "42501": "not_permitted",
    "428C9": "computed",
    "55000": "view",
    "P0001": "trigger",
    "09000": "trigger",
    "45000": "trigger",
}
_BY_CLASS = {"22": "unmaskable", "23": "refused_by_source", "P0": "trigger", "44": "check"}
_BY_NAME = {
    # SQLite's name -> code
    "SQLITE_CONSTRAINT_NOTNULL": "not_null",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "referenced",
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_CHECK": "check",
    "SQLITE_CONSTRAINT_TRIGGER": "trigger",
    "SQLITE_CONSTRAINT_DATATYPE": "unmaskable",
}
_BY_NUMBER = {
    # MariaDB's and MySQL's number -> code
    1048: "not_null",
    1451: "referenced",
    1062: "unique",
    4025: "check",
    3819: "check",
    1644: "trigger",
    1142: "not_permitted",
    1143: "not_permitted",
    1370: "not_permitted",
    1264: "unmaskable",
    1265: "unmaskable",
    1292: "unmaskable",
    1366: "unmaskable",
    1406: "unmaskable",
    1906: "computed",
    3105: "computed",
}

CODES = frozenset({*_BY_STATE.values(), *_BY_CLASS.values(), *_BY_NAME.values(), *_BY_NUMBER.values()}) | {
    "count_differs",
    "side_effects",
    "source_keeps",
    "nothing_to_mask",
    "mask_series",
    "not_transactional",
    "drifted",
    "absent",
}
"""Every code with which a database's record stays where it is."""


def refusal_of(error: exc.DBAPIError) -> str:
    """The code of a refusal that is about the record; "" where the source itself is in trouble."""
    if error.connection_invalidated:
        return ""
    number = error.orig.args[0] if error.orig is not None and error.orig.args else None
    if isinstance(number, int):
        return _BY_NUMBER.get(number, "")
    state = getattr(error.orig, "sqlstate", None) or ""
    if state:
        return _BY_STATE.get(state) or _BY_CLASS.get(state[:2], "")
    name = getattr(error.orig, "sqlite_errorname", None) or ""
    if name:
        return _BY_NAME.get(name, "refused_by_source" if name.startswith("SQLITE_CONSTRAINT") else "")
    return "refused_by_source" if isinstance(error, exc.IntegrityError) else ""
