"""The package: same tree for everyone, readable by machines, and honest about what changed."""

import csv
import dataclasses
import hashlib
import io
import json
import zipfile

import pytest

from models.vocabulary import LANGUAGES, Ownership, Right, SourceResult
from workflows.documents.verify import verify_package
from workflows.errors import NeverAgain
from workflows.ports import SourceFacts
from workflows.rules.items import Item


def make(documents, case, items, tmp_path, name="package.zip"):
    path = tmp_path / name
    with path.open("wb") as out:
        summary = documents.package(case, {s: (lambda rows=rows: iter(rows)) for s, rows in items.items()}, out)
    return path, summary


def test_a_package_verifies_and_a_changed_byte_does_not(documents, case, item, tmp_path):
    path, summary = make(documents, case(), {"crm": [item()], "metering": []}, tmp_path)
    assert verify_package(path) == []
    assert summary.items == 1
    with zipfile.ZipFile(path) as whole:
        files = {n: whole.read(n) for n in whole.namelist()}
    assert summary.files == len(files)
    assert summary.digest == hashlib.sha256(files["manifest-sha256.txt"]).hexdigest()
    for name in files:
        changed = tmp_path / "changed.zip"
        with zipfile.ZipFile(changed, "w") as out:
            for n, data in files.items():
                out.writestr(n, data[:-1] + bytes([data[-1] ^ 1]) if n == name else data)
        assert verify_package(changed), name


def test_verify_finds_a_missing_an_added_and_a_forged_file(documents, case, item, tmp_path):
    path, _ = make(documents, case(), {"crm": [item()]}, tmp_path)
    with zipfile.ZipFile(path) as whole:
        files = {n: whole.read(n) for n in whole.namelist()}

    def faults(changed):
        other = tmp_path / "other.zip"
        with zipfile.ZipFile(other, "w") as out:
            for n, data in changed.items():
                out.writestr(n, data)
        return [f.where for f in verify_package(other)]

    assert "codes.json" in faults({n: d for n, d in files.items() if n != "codes.json"})
    assert "evil.html" in faults(files | {"evil.html": b"x"})
    codes = b"{}"
    manifest = files["manifest-sha256.txt"].decode().splitlines(keepends=True)
    forged = "".join(
        f"{hashlib.sha256(codes).hexdigest()}  codes.json\n" if line.endswith("  codes.json\n") else line
        for line in manifest
    )
    assert faults(files | {"codes.json": codes, "manifest-sha256.txt": forged.encode()}) == ["manifest.json.sig"]
    assert faults({n: d for n, d in files.items() if n != "manifest.json.sig"}) == ["manifest.json.sig"]
    (tmp_path / "not.zip").write_bytes(b"hello")
    assert verify_package(tmp_path / "not.zip")
    assert verify_package(path, public_key=bytes(32))


def test_the_same_content_gives_the_same_bytes(documents, case, item, tmp_path):
    one, _ = make(documents, case(), {"crm": [item()]}, tmp_path, "one.zip")
    two, _ = make(documents, case(), {"crm": [item()]}, tmp_path, "two.zip")
    assert one.read_bytes() == two.read_bytes()


def test_file_names_are_the_same_in_every_language(documents, case, item, tmp_path):
    trees = []
    for language in LANGUAGES:
        path, _ = make(documents, case(language), {"crm": [item()], "metering": []}, tmp_path)
        with zipfile.ZipFile(path) as z:
            trees.append([n.replace(f"_{language}.pdf", "_xx.pdf") for n in z.namelist()])
    assert trees[0] == trees[1] == trees[2]
    assert all(name.isascii() for name in trees[0])


def test_letters_of_the_north_survive_in_every_file(documents, case, item, tmp_path):
    words = "å ä ö č đ ŋ š ŧ ž €"
    path, _ = make(documents, case(), {"crm": [item(fields={"id": 1, "name": words})]}, tmp_path)
    with zipfile.ZipFile(path) as z:
        raw = z.read("data/crm_customer.csv")
        assert raw.startswith(b"\xef\xbb\xbf")
        assert next(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))["name"] == words
        assert json.loads(z.read("data/crm_customer.json"))["records"] == [{"id": 1, "name": words}]


def test_what_another_person_owns_is_not_in_any_file(documents, case, item, tmp_path):
    secret = "Salainennaapuri"
    rows = [
        item("contact", category="C12", fields={"id": 1, "kind": "P", "other": secret}, third_party=("other",)),
        item(
            "contact", category="C12", fields={"id": 2, "kind": secret, "other": None}, ownership=Ownership.THIRD_PARTY
        ),
    ]
    path, summary = make(documents, case(), {"crm": rows}, tmp_path)
    assert summary.items == 1
    with zipfile.ZipFile(path) as z:
        for name in z.namelist():
            assert secret.encode() not in z.read(name), name
        assert json.loads(z.read("data/crm_contact.json"))["records"][0]["other"] == "REDACTED:third_party"
        assert b'"REDACTED:third_party"' in z.read("data/crm_contact.csv")


def test_other_people_in_a_text_are_in_no_file_and_the_persons_own_address_is(documents, case, item, tmp_path):
    text = "Kysyin osoitteesta oma@example.fi ja naapurilta naapuri@example.fi, puh. 040 765 4321"
    rows = [
        item("contact", category="C12", fields={"id": 1, "kind": text, "other": None}),
        item("contact", category="C12", fields={"id": 2, "kind": "x", "other": text}, ownership=Ownership.CANDIDATE),
    ]
    path, summary = make(documents, case(identifiers={"email": ("oma@example.fi",)}), {"crm": rows}, tmp_path)
    assert summary.items == 1
    with zipfile.ZipFile(path) as z:
        for name in z.namelist():
            assert b"naapuri@example.fi" not in z.read(name), name
            assert b"765 4321" not in z.read(name), name
        (record,) = json.loads(z.read("data/crm_contact.json"))["records"]
        start = z.read("START_HERE.html").decode()
    mark = "[REDACTED:third_party]"
    assert record["kind"] == f"Kysyin osoitteesta oma@example.fi ja naapurilta {mark}, puh. {mark}"
    assert "Toisen ihmisen osoite tai numero" in start
    assert "Tietueet, jotka voivat koskea sinua" in start


def test_portability_holds_only_what_the_person_provided(documents, case, item, tmp_path):
    rows = [item(), item("contact", category="C12", fields={"id": 1, "kind": "Päättelyä"})]
    path, _ = make(documents, case(right=Right.PORTABILITY), {"crm": rows}, tmp_path)
    with zipfile.ZipFile(path) as z:
        assert "data/crm_customer.json" in z.namelist()
        assert "data/crm_contact.json" not in z.namelist()
        assert not [n for n in z.namelist() if n.startswith(("html/", "your_data"))]
        for name in z.namelist():
            assert "Päättelyä".encode() not in z.read(name), name


def test_a_record_that_is_not_portable_is_left_out_of_a_portable_collection_and_counted(
    documents, case, item, tmp_path
):
    inferred = item(category="C12", fields={"id": 2, "name": "Päättelyä"})
    path, summary = make(documents, case(right=Right.PORTABILITY), {"crm": [item(), inferred]}, tmp_path)
    assert summary.items == 1
    with zipfile.ZipFile(path) as z:
        assert "Päättelyä".encode() not in z.read("data/crm_customer.json")
        assert "Muut kuin antamasi tai mitatut tiedot" in z.read("START_HERE.html").decode()


def test_a_collection_without_records_is_an_empty_list_and_not_a_missing_file(documents, case, tmp_path):
    path, summary = make(documents, case(), {"crm": [], "metering": []}, tmp_path)
    assert summary.items == 0
    with zipfile.ZipFile(path) as z:
        assert json.loads(z.read("data/metering_reading.json"))["records"] == []
        assert z.read("data/crm_customer.csv").decode("utf-8-sig").strip() == '"id","number","name","note"'


def test_a_source_that_was_not_searched_has_no_empty_list(documents, case, tmp_path):
    sources = (SourceFacts("metering", "", SourceResult.FAILED, "down", {}),)
    path, _ = make(documents, case(sources=sources), {"crm": [], "metering": []}, tmp_path)
    with zipfile.ZipFile(path) as z:
        assert "data/crm_customer.json" in z.namelist()
        assert not [n for n in z.namelist() if n.startswith("data/metering")]


def test_a_column_that_appears_late_is_in_every_line(documents, case, item, tmp_path):
    rows = [item(fields={"id": n, "name": "a\nb"}) for n in range(3)] + [
        item(fields={"id": 9, "name": "c", "extra": "x"})
    ]
    path, _ = make(documents, case(), {"crm": rows}, tmp_path)
    with zipfile.ZipFile(path) as z:
        lines = list(csv.reader(io.StringIO(z.read("data/crm_customer.csv").decode("utf-8-sig"), newline="")))
    assert lines[0] == ["id", "name", "extra"]
    assert [len(line) for line in lines] == [3] * 5
    assert lines[1][1] == "a\nb"


@pytest.mark.parametrize("key", [None, bytes(32)])
def test_a_package_is_signed_if_and_only_if_there_is_a_key(register, case, item, tmp_path, key):
    from workflows.documents.documents import Documents

    path, _ = make(Documents(register, signing_key=key, render_pdf=False), case(), {"crm": [item()]}, tmp_path)
    with zipfile.ZipFile(path) as z:
        assert ("manifest.json.sig" in z.namelist()) is (key is not None)
    assert verify_package(path) == []


SCAN = b"%PDF-1.7 a scanned contract"


def scan(content=SCAN, media_type="application/pdf"):
    digest = hashlib.sha256(content).hexdigest()
    return {"blob": "case/scan.1", "media_type": media_type, "size_bytes": len(content), "sha256": digest}


def test_scans_go_into_the_package_listed_and_described(documents, case, item, tmp_path):
    path = tmp_path / "package.zip"
    record = dataclasses.replace(item(), files=(scan(),))
    record = Item.from_json(record.to_json())
    with path.open("wb") as out:
        documents.package(case(), {"crm": lambda: iter([record])}, out, open_file=lambda _: io.BytesIO(SCAN))
    assert verify_package(path) == []
    with zipfile.ZipFile(path) as whole:
        files = {n: whole.read(n) for n in whole.namelist()}
    (name,) = [n for n in files if n.startswith("files/")]
    assert name.endswith(".pdf")
    assert files[name] == SCAN
    (told,) = [json.loads(files[n])["records"][0] for n in files if n == "data/crm_customer.json"]
    assert told["files"] == [name]
    assert [r["hash"] for r in json.loads(files["datapackage.json"])["resources"] if r["path"] == name] == [
        "sha256:" + scan()["sha256"]
    ]


def test_a_scan_that_is_not_what_its_record_names_stops_the_package(documents, case, item, tmp_path):
    record = dataclasses.replace(item(), files=(scan(),))
    for opened in (lambda _: io.BytesIO(b"another"), None):
        with (tmp_path / "package.zip").open("wb") as out, pytest.raises(NeverAgain, match="files"):
            documents.package(case(), {"crm": lambda: iter([record])}, out, open_file=opened)
