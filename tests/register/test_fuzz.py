"""Whatever stands in the files, the register is read or told to be bad; nothing else comes out."""

import shutil
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from workflows.errors import BadRegister
from workflows.register.document import read_document
from workflows.register.load import load_register

HERE = Path(__file__).parent
FILES = ("controller.yaml", "categories.yaml", "holds.yaml", "sources/crm.yaml", "sources/billing.yaml")

yaml_signs = st.text(alphabet="abn:-[]{}&*!|>\"'#%@`,.?~0189= \t\n\\uU\u00e4\u2028\ufeff\x00", max_size=80)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


def loads_or_is_bad(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "register"
        shutil.copytree(HERE / "whole", root)
        for name, content in files.items():
            (root / name).write_bytes(content)
        try:
            load_register(root)
        except BadRegister as error:
            faults = error.faults
        else:
            return
        assert faults
        assert all(f.where and f.what and f.remedy for f in faults)


@given(yaml_signs | st.text(max_size=60))
@settings(max_examples=examples(300), deadline=None)
def test_any_text_is_data_or_faults(text):
    document = read_document("x.yaml", text.encode("utf-8", "surrogatepass"))
    assert document.data is not None or document.faults


@given(st.sampled_from(FILES), st.binary(max_size=60) | yaml_signs.map(lambda t: t.encode()))
@settings(max_examples=examples(60), deadline=None)
def test_any_bytes_in_any_file_load_or_are_told(name, content):
    loads_or_is_bad({name: content})


def paths(data, here=()):
    yield here
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in children:
        yield from paths(value, (*here, key))


def put(data, path, value):
    if not path:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = put(data[path[0]], path[1:], value)
    return copy


@given(st.data())
@settings(max_examples=examples(150), deadline=None)
def test_any_value_in_any_place_of_a_good_register_loads_or_is_told(data):
    name = data.draw(st.sampled_from(FILES))
    good = yaml.safe_load((HERE / "whole" / name).read_text(encoding="utf-8"))
    path = data.draw(st.sampled_from(list(paths(good))))
    broken = put(good, path, data.draw(values))
    loads_or_is_bad({name: yaml.safe_dump(broken, allow_unicode=True).encode("utf-8", "replace")})


@pytest.mark.parametrize("text", ['"\\UFFFFFFFF"', "[" * 5000, "{" * 5000, "? [a]\n: b", "a: &x\n  <<: *x", "\x07"])
def test_texts_on_which_the_parser_itself_falls_over_are_faults(text):
    assert read_document("x.yaml", text.encode()).faults
