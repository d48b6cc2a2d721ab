"""YAML as the register reads it."""

from workflows.register.document import MAX_BYTES, read_document


def read(text):
    document = read_document("x.yaml", text.encode())
    assert document.faults == []
    return document


def test_words_that_old_yaml_takes_for_true_or_false_stay_words():
    document = read("on: start\ncountry: NO\nanswer: yes\nreal: true\n")
    assert document.data == {"on": "start", "country": "NO", "answer": "yes", "real": True}


def test_a_number_with_a_leading_zero_is_a_text():
    assert read("phone: 0401234567\nmonths: 1\nrate: 1.5\ntime: 12:30\n").data == {
        "phone": "0401234567",
        "months": 1,
        "rate": 1.5,
        "time": "12:30",
    }


def test_every_value_knows_its_line_and_a_missing_one_that_of_its_parent():
    document = read("a:\n  b: 1\n  c:\n    - x\n    - y\n")
    assert document.where(("a", "c", 1)) == "x.yaml:5"
    assert document.where(("a", "d")) == "x.yaml:1"
    assert document.where(("a", "Branch", "b")) == "x.yaml:2"


def test_merged_keys_are_there_and_own_keys_go_before_them():
    assert read("base: &b {x: 1, y: 2}\nthis:\n  <<: *b\n  y: 3\n").data["this"] == {"x": 1, "y": 3}


def test_a_file_larger_than_the_limit_is_not_read():
    document = read_document("x.yaml", b"a: " + b"b" * MAX_BYTES)
    assert document.data is None
    assert "larger than 1 MiB" in document.faults[0].what


def test_a_byte_order_mark_is_no_part_of_the_first_key():
    assert read("\ufeffname: Oy\n").data == {"name": "Oy"}
