"""What a machine needs to read the package: JSON Schema, Frictionless Data Package, the list of codes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from models.vocabulary import LANGUAGES
from workflows.documents.catalogue import Catalogue
from workflows.documents.gather import Gathered
from workflows.ports import CaseFacts

FORMAT = "vastine-package/1"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_FRICTIONLESS = {"integer": "integer", "number": "number", "boolean": "boolean", "object": "object", "array": "array"}


def file_stems(gathered: Sequence[Gathered]) -> dict[tuple[str, str], str]:
    """A file name without its ending for each collection: `<source>_<collection>`, ASCII, each once."""
    stems: dict[tuple[str, str], str] = {}
    used: set[str] = set()
    for g in gathered:
        stem = re.sub(r"[^a-z0-9]+", "_", f"{g.source}_{g.collection}".lower()).strip("_")[:80] or "data"
        unique, n = stem, 2
        while unique in used:
            unique, n = f"{stem}_{n}", n + 1
        used.add(unique)
        stems[g.source, g.collection] = unique
    return stems


def json_schema(catalogue: Catalogue, gathered: Gathered, *, stem: str) -> str:
    """JSON Schema 2020-12 of `data/<stem>.json`; titles in the three languages."""
    properties: dict[str, dict[str, Any]] = {}
    for name in gathered.columns:
        types = sorted(gathered.types.get(name) or {"string"})
        spec = catalogue.column(gathered.source, gathered.collection, name=name)
        properties[name] = {
            "title": catalogue.column_label(gathered.source, gathered.collection, name=name, language="en"),
            "description": _titles(catalogue, gathered, name=name),
            "type": types if "null" in types else [*types, "null"],
        }
        if spec.unit:
            properties[name]["unit"] = spec.unit
        if name == gathered.files_field:
            properties[name]["items"] = {"type": "string", "description": "path of a file in this package"}
    records = {"type": "array", "items": {"type": "object", "properties": properties}}
    return dump(
        {
            "$schema": DIALECT,
            "$id": f"{stem}.schema.json",
            "title": catalogue.collection_label(gathered.source, gathered.collection, "en"),
            "type": "object",
            "required": ["$schema", "source", "collection", "records"],
            "properties": {
                "$schema": {"type": "string"},
                "source": {"const": gathered.source},
                "collection": {"const": gathered.collection},
                "records": records,
            },
        }
    )


def _titles(catalogue: Catalogue, gathered: Gathered, *, name: str) -> str:
    labels = [
        catalogue.column_label(gathered.source, gathered.collection, name=name, language=language)
        for language in LANGUAGES
    ]
    return " / ".join(labels)


def codes(catalogue: Catalogue, gathered: Sequence[Gathered]) -> str:
    """Every code of every column with its meaning in the three languages."""
    tree: dict[str, Any] = {}
    for g in gathered:
        for name, spec in catalogue.collection(g.source, g.collection).columns.items():
            if spec.codes:
                meaning = {code: text.model_dump() for code, text in spec.codes.items()}
                tree.setdefault(g.source, {}).setdefault(g.collection, {})[name] = meaning
    return dump(tree)


def data_package(
    catalogue: Catalogue, case: CaseFacts, *, gathered: Sequence[Gathered], stems: Mapping[tuple[str, str], str]
) -> str:
    """Frictionless Data Package: one tabular resource for each CSV, with its JSON twin named."""
    resources = []
    for g in gathered:
        stem = stems[g.source, g.collection]
        fields = [_field(catalogue, g, name=name) for name in g.columns]
        resources.append(
            {
                "name": stem,
                "title": catalogue.collection_label(g.source, g.collection, "en"),
                "path": f"data/{stem}.csv",
                "json": f"data/{stem}.json",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "doubleQuote": True, "header": True},
                "profile": "tabular-data-resource",
                "schema": {"fields": fields, "missingValues": [""]},
                "rows": g.rows,
                "category": g.category,
            }
        )
    for g in gathered:
        resources += [_file_resource(g, path, file) for path, file in g.files]
    return dump(
        {
            "profile": "data-package",
            "name": "personal-data",
            "version": FORMAT,
            "title": f"{catalogue.register.controller.name}: personal data",
            "reference": case.reference,
            "created": case.today.isoformat(),
            "language": case.language,
            "resources": resources,
        }
    )


def _file_resource(gathered: Gathered, path: str, file: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": path.removeprefix("files/").replace(".", "_"),
        "path": path,
        "mediatype": file["media_type"],
        "bytes": file["size_bytes"],
        "hash": f"sha256:{file['sha256']}",
        "category": gathered.category,
    }


def _field(catalogue: Catalogue, gathered: Gathered, *, name: str) -> dict[str, Any]:
    types = (gathered.types.get(name) or set()) - {"null"}
    spec = catalogue.column(gathered.source, gathered.collection, name=name)
    entry = {
        "name": name,
        "title": catalogue.column_label(gathered.source, gathered.collection, name=name, language="en"),
        "type": _FRICTIONLESS.get(next(iter(types)), "string") if len(types) == 1 else "string",
    }
    return entry | ({"unit": spec.unit} if spec.unit else {})


def dump(value: Any) -> str:
    """JSON for reading, with a last line end."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
