"""A field whose name the dataset keeps back is numbered where people read, unless the register gives it a label."""

from fideslang.models import Dataset

from tests.connectors.shop import register, source
from workflows.documents.catalogue import Catalogue


def test_a_redacted_name_is_a_number_and_a_label_comes_before_it() -> None:
    fields = [
        {"name": "a_plain", "data_categories": ["user"]},
        {"name": "b_secret_score", "data_categories": ["user"], "fides_meta": {"redact": "name"}},
        {"name": "c_other_score", "data_categories": ["user"], "fides_meta": {"redact": "name"}},
    ]
    dataset = Dataset(fides_key="crm", collections=[{"name": "person", "fields": fields}]).model_dump(exclude_none=True)
    labels = {"c_other_score": {"label": {"fi": "Pisteet", "sv": "Poäng", "en": "Score"}}}
    catalogue = Catalogue(register(source("crm", dataset, person={"collections": {"person": {"columns": labels}}})))
    shown = {f["name"]: catalogue.column_label("crm", "person", name=f["name"], language="fi") for f in fields}
    assert shown == {"a_plain": "A plain", "b_secret_score": "Tieto 3", "c_other_score": "Pisteet"}
