"""Own texts of a register: languages that show different facts, and mistakes, are told with file and line."""

import pytest

from workflows.documents.letters import TEMPLATES
from workflows.documents.placeholders import placeholders
from workflows.documents.sample import letter_faults

NAME = "ready/mail.sv.txt"


def own(tmp_path, new_register, change, name: str = NAME):
    file = tmp_path / "letters" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(change((TEMPLATES / name).read_text(encoding="utf-8")), encoding="utf-8")
    return new_register(str(tmp_path))


def test_a_fact_that_one_language_leaves_out_is_told_with_the_line_of_another(tmp_path, new_register):
    assert "{{ link_expires_on }}" in (TEMPLATES / NAME).read_text(encoding="utf-8")
    faults = letter_faults(own(tmp_path, new_register, lambda text: text.replace("{{ link_expires_on }}", "snart")))
    [fault] = faults
    assert fault.where == f"letters/{NAME}"
    assert "{{ link_expires_on }}" in fault.what
    other = (TEMPLATES / "ready/mail.en.txt").read_text(encoding="utf-8").splitlines()
    line = next(n for n, text in enumerate(other, start=1) if "link_expires_on" in text)
    assert f"ready/mail.en.txt shows on line {line}" in fault.what


@pytest.mark.parametrize(
    ("wrong", "says"), [("{{ referense }}", "line 4: 'referense' is undefined"), ("{% if %}", "line 4: not understood")]
)
def test_a_mistake_is_told_with_its_line(tmp_path, new_register, wrong, says):
    def change(text: str) -> str:
        lines = text.splitlines()
        return "\n".join([*lines[:3], wrong, *lines[4:]])

    faults = letter_faults(own(tmp_path, new_register, change))
    assert says in " ".join(fault.what for fault in faults)


def test_marks_and_our_own_blocks_are_no_facts():
    source = '{{ says("due") }}{{ due_on }}\n{{ blocks.remedies(words) }} {{- controller.name }}'
    assert placeholders(source) == {"due_on": 1, "controller.name": 2}
