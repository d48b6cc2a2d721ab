"""The same request through the public pages: form, status page, code, download. No script, no session at the server."""

import re
from pathlib import Path

import pytest

from tests.story.browser import Browser
from tests.story.house import House, records_of
from webhooks.public import create_app
from workflows.casefile import open_claim, open_key
from workflows.demo.planting import customer_number
from workflows.documents.verify import verify_package
from workflows.views import list_requests

ANSWERS = {
    "right": "access",
    "name": "Aino Korhonen",
    "email": "else@where.example",
    "customer_number": str(customer_number("active")),
}


def words(page: str) -> str:
    """A page's visible text."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_access_by_form_from_the_first_page_to_the_downloaded_package(house: House, tmp_path: Path) -> None:
    browser = Browser(create_app(house.rt))
    page = browser.ask("/fi/request", ANSWERS)
    reference = re.search(r"TP-[\w-]+", page)[0]  # type: ignore[index]
    house.work()
    assert house.show(reference)["channel"] == "portal"
    assert not any(re.search(r"\b\d{8}\b", mail) for mail in house.mails_to("else@where.example"))
    browser.get(page)
    browser.type_code("00000000")
    assert browser.status == 422
    browser.type_code(house.code_for("active"))
    house.work()
    assert house.ended(reference) == ("closed", "delivered")
    link = re.search(r"http://\S+/fetch/\S+", house.mailer.sent[-1].body)[0]  # type: ignore[index]
    elsewhere = Browser(create_app(house.rt))
    elsewhere.get(link)
    assert "package.zip" not in elsewhere.page
    sent = len(house.mailer.sent)
    elsewhere.press("/send")
    house.work()
    assert len(house.mailer.sent) == sent + 1
    elsewhere.type_code(house.code_for("active"))
    package = tmp_path / "package.zip"
    package.write_bytes(elsewhere.download("package.zip"))
    assert verify_package(package) == []
    assert {r["asnro"] for r in records_of(package)["asiakas"]} == {customer_number("active")}


@pytest.mark.parametrize("lang", ["fi", "sv", "en"])
@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({**ANSWERS, "email": "not an address"}, "email"),
        ({**ANSWERS, "name": "x" * 900}, "name"),
        ({**ANSWERS, "customer_number": "1" * 900}, "customer_number"),
        ({"right": "access", "name": "", "email": ""}, "email"),
    ],
    ids=["address", "long-name", "long-number", "nothing"],
)
def test_a_mistake_in_the_form_is_told_in_the_reader_s_language_and_nothing_is_lost(
    house_here: House, lang: str, answers: dict[str, str], field: str
) -> None:
    browser = Browser(create_app(house_here.rt))
    browser.get(f"/{lang}/request")
    for _ in range(2):
        form = next(f for f in browser.forms() if f.method == "post")
        browser.send(form, answers)
    assert browser.status == 422
    assert f'lang="{lang}"' in browser.page
    assert f'id="{field}' in browser.page
    form = browser.form_with("name")
    assert form is not None
    assert form.texts["name"] == answers["name"]
    assert house_here.mailer.sent == []
    with house_here.rt.unit() as session:
        assert list_requests(session) == []


@pytest.mark.parametrize("right", ["", "everything", "access,erasure", "<script>alert(1)</script>", "\u202eerasure"])
def test_a_right_that_does_not_exist_is_asked_for_again(house_here: House, right: str) -> None:
    browser = Browser(create_app(house_here.rt))
    browser.get("/fi/request")
    form = next(f for f in browser.forms() if f.method == "post")
    form.choices["right"].append(right)
    browser.send(form, {"right": right})
    assert browser.status == 422
    assert "<script>alert" not in browser.page


NAMES = [
    "Đặng Thị Ngọc",
    "Чуовга Ёлка",
    "مريم حسن",
    "Eŋŋasaš Máret-Ánne",
    "=cmd|' /C calc'!A0",
    "<b>Åsa</b>",
    "\U0001d4d0\U0001d4f2\U0001d4f7\U0001d4f8 \U0001f469",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_any_script_is_taken_as_it_is(house_here: House, name: str) -> None:
    browser = Browser(create_app(house_here.rt))
    message = f"{name}\n" * 50
    page = browser.ask("/fi/request", {**ANSWERS, "right": "erasure", "name": name, "message": message})
    house_here.work()
    reference = re.search(r"TP-[\w-]+", page)[0]  # type: ignore[index]
    assert house_here.state(reference) == "verifying"
    with house_here.held(reference) as (session, request):
        claim = open_claim(open_key(session, house_here.rt, request.data_key_id), request)
    assert claim.name.split() == name.split()


def test_an_unknown_person_and_a_known_one_see_the_same_pages(house_here: House) -> None:
    app, seen = create_app(house_here.rt), []
    for number in ("active", "unknown"):
        browser = Browser(app)
        page = browser.ask("/en/request", {**ANSWERS, "customer_number": str(customer_number(number))})
        house_here.work()
        browser.get(page)
        shown = [browser.page]
        browser.type_code("11111111")
        seen.append([re.sub(r"TP-[\w-]+(/[\w-]+)?", "", text) for text in (*shown, browser.page)])
    assert seen[0] == seen[1]


def test_a_form_sent_twice_is_one_request(house_here: House) -> None:
    browser = Browser(create_app(house_here.rt))
    browser.get("/fi/request")
    for _ in range(3):
        browser.send(next(f for f in browser.forms() if f.method == "post"), ANSWERS)
    last = next(f for f in browser.forms() if f.method == "post")
    pages = set()
    for _ in range(2):
        browser.send(last, {})
        pages.add(browser.url)
    assert len(pages) == 1
    with house_here.rt.unit() as session:
        assert len(list_requests(session)) == 1


def test_a_person_takes_the_request_back_on_its_page(house_here: House) -> None:
    browser = Browser(create_app(house_here.rt))
    page = browser.ask("/fi/request", ANSWERS)
    reference = re.search(r"TP-[\w-]+", page)[0]  # type: ignore[index]
    house_here.work()
    browser.get(f"{page}/withdraw")
    browser.press("/withdraw")
    house_here.work()
    assert house_here.ended(reference) == ("closed", "withdrawn")
