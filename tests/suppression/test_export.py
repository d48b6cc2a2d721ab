"""Lists are filtered at the moment of export: nobody banned and nobody unreadable is in what comes out."""

import json

import pytest

from tests.workers.conftest import environ, vastine

__all__ = ["environ", "vastine"]

HEAD = "name;email\n"


@pytest.fixture
def banned(vastine):
    ran = vastine("suppression", "add", "--ban", "B3", "--contact", "email=jane@shop.example", "--as", "cleo")
    assert ran.code == 0, ran.err
    return vastine


def filtered(run, *more, column="email", purpose="B3"):
    where = ("--column", column, "--out", "out.csv", "--as", "cleo", "--json")
    return run("suppression", "filter", "in.csv", "--purpose", purpose, *where, *more)


def test_an_exported_list_leaves_out_the_banned_and_the_unreadable_and_is_on_record(banned, tmp_path) -> None:
    (tmp_path / "in.csv").write_text(HEAD + "Jane;JANE@shop.example\nBob;bob@shop.example\nX;nothing\n")
    ran = filtered(banned)
    assert ran.json == {"kept": 1, "banned": 1, "unreadable": 1}
    assert (tmp_path / "out.csv").read_text() == HEAD + "Bob;bob@shop.example\n"
    assert not list(tmp_path.glob("*.part"))
    exported = banned("audit", "export").out
    assert "ban:filtered" in exported
    assert "jane@" not in exported.lower()


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "utf-8-sig"])
def test_a_list_keeps_its_encoding_and_line_ends(banned, tmp_path, encoding) -> None:
    text = "nimi,email\r\nÄijö,bob@shop.example\r\nJane,jane@shop.example\r\n"
    (tmp_path / "in.csv").write_bytes(text.encode(encoding))
    assert filtered(banned, "--encoding", encoding.replace("utf-8-sig", "utf-8")).code == 0
    assert (tmp_path / "out.csv").read_bytes() == "nimi,email\r\nÄijö,bob@shop.example\r\n".encode(encoding)


@pytest.mark.parametrize(
    ("content", "column"),
    [
        (HEAD.encode() + b"Jane;a;b\n", "email"),
        (HEAD.encode() + b'Jane;"open\n', "email"),
        (HEAD.encode() + b"\xc4ij\xf6;bob@shop.example\n", "email"),
        (HEAD.encode(), "phone_number"),
        (HEAD.encode(), "national_id=email"),
        (b"email;email\n", "email"),
        (b'"name;email\nJane;bob@shop.example\n', "email"),
        (b"", "email"),
    ],
)
def test_a_list_that_cannot_be_read_whole_gives_no_list_at_all(banned, tmp_path, content, column) -> None:
    (tmp_path / "in.csv").write_bytes(content)
    assert filtered(banned, column=column).code == 2
    assert not list(tmp_path.glob("out*"))


def test_a_file_that_is_there_is_not_written_over(banned, tmp_path) -> None:
    (tmp_path / "in.csv").write_text(HEAD)
    (tmp_path / "out.csv").write_text("mine")
    assert filtered(banned).code == 2
    assert (tmp_path / "out.csv").read_text() == "mine"


def test_an_address_over_several_columns_is_one_contact(vastine, tmp_path) -> None:
    contact = "postal_address=Koivukatu 3 A 5, 00100 Helsinki"
    vastine("suppression", "add", "--ban", "B1", "--contact", contact, "--as", "cleo")
    (tmp_path / "in.csv").write_text("katu,pnro,kunta\nKOIVUKATU 3 A 5,00100,HELSINKI\nKoivukatu 4,00100,Helsinki\n")
    ran = filtered(vastine, column="postal_address=katu+pnro+kunta", purpose="B1")
    assert ran.json == {"kept": 1, "banned": 1, "unreadable": 0}


def test_a_consent_lifts_a_ban_and_the_list_shows_what_was(banned) -> None:
    lift = ("suppression", "lift", "--ban", "B3", "--contact", "email=jane@shop.example", "--as", "cleo")
    assert banned(*lift, "--proof", "form 17").code == 0
    assert banned(*lift, "--proof", "form 17").code == 4
    assert json.loads(banned("suppression", "list", "--json").out) == []
    (row,) = banned("suppression", "list", "--all", "--json").json
    assert (row["ban"], row["lifted_by"], row["lift_proof"]) == ("B3", "cleo", "form 17")


def test_only_staff_may_set_or_lift_a_ban(vastine) -> None:
    ran = vastine("suppression", "add", "--ban", "B3", "--contact", "email=jane@shop.example", "--as", "nobody")
    assert ran.code == 1


def test_a_file_of_another_run_is_neither_written_over_nor_deleted(banned, tmp_path) -> None:
    (tmp_path / "in.csv").write_text(HEAD + "Bob;bob@shop.example\n")
    (tmp_path / "out.csv.part").write_text("not ours")
    assert filtered(banned).code == 2
    assert (tmp_path / "out.csv.part").read_text() == "not ours"
    assert not (tmp_path / "out.csv").exists()


def test_of_two_columns_with_the_same_kind_of_contact_both_are_looked_at(banned, tmp_path) -> None:
    (tmp_path / "in.csv").write_text("home;work\njane@shop.example;jane@work.example\nbob@shop.example;\n")
    ran = filtered(banned, "--column", "email=work", column="email=home")
    assert ran.json == {"kept": 1, "banned": 1, "unreadable": 0}
    assert (tmp_path / "out.csv").read_text() == "home;work\nbob@shop.example;\n"
