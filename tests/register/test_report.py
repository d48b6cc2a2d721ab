"""Faults on a terminal."""

from workflows.errors import Fault
from workflows.register.report import report


def test_each_fault_is_one_line_with_its_remedy():
    faults = [Fault("a.yaml:1", "one", "mend it"), Fault("sources/b.yaml:12", "two")]
    assert report(faults) == "✖ a.yaml:1           one → mend it\n✖ sources/b.yaml:12  two"


def test_no_fault_is_no_text():
    assert report([]) == ""
