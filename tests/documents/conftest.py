"""An invented controller with labels, codes and holds, and a case that uses all of them."""

from datetime import date

import pytest
from fideslang.models import Dataset

from models.vocabulary import Action, Ownership, Right, SourceResult
from workflows.documents.documents import Documents
from workflows.exchange import Corrected
from workflows.ports import CaseFacts, PlanLine, SourceFacts
from workflows.register.model import (
    Authority,
    Category,
    CollectionSpec,
    ColumnSpec,
    Controller,
    HoldRule,
    Law,
    Officer,
    PersonSpec,
    Register,
    SeriesSpec,
    SourceSpec,
    Text,
)
from workflows.rules.items import HoldMatch, Item, digest_of

KEY = bytes(range(32))
HUB = ("Pyydä ne hubilta", "Be hubben om dem", "Ask the hub for them")
"""Who else holds such data."""
NAME = "Áile Äijälä-Öhman"


def text(fi: str, sv: str = "", en: str = "") -> Text:
    return Text(fi=fi, sv=sv or fi, en=en or fi)


def dataset(source: str, collections: dict[str, list[str]]) -> Dataset:
    return Dataset(
        fides_key=source,
        organization_fides_key="default",
        name=source,
        collections=[
            {"name": name, "fields": [{"name": field} for field in fields]} for name, fields in collections.items()
        ],
    )


def category(code: str, label: Text, **more: object) -> Category:
    return Category(
        code=code,
        label=label,
        purpose=text("Sopimuksen hoitaminen", "Skötsel av avtalet", "Running the contract"),
        basis=text("Sopimus", "Avtal", "Contract"),
        obtained_from=text("Sinulta itseltäsi", "Av dig själv", "From you"),
        recipients=text(
            "Laskutuskumppani Esimerkki Oy", "Faktureringspartner Esimerkki Oy", "Billing partner Esimerkki Oy"
        ),
        retention=text("6 vuotta", "6 år", "6 years"),
        **more,
    )


def make_register(folder: str = "") -> Register:
    customer = {"number": text("Asiakasnumero", "Kundnummer", "Customer number"), "name": text("Nimi", "Namn", "Name")}
    crm = SourceSpec(
        source="crm",
        kind="sql",
        connection={"url": "sqlite://"},
        label=text("Asiakasrekisteri", "Kundregister", "Customer register"),
        dataset=(
            dataset("crm", {"customer": ["id", "number", "name", "note"], "contact": ["id", "at", "kind", "other"]}),
        ),
        person=PersonSpec(
            collections={
                "customer": CollectionSpec(
                    category="C01",
                    label=text("Asiakkaat", "Kunder", "Customers"),
                    columns={"id": ColumnSpec(hidden=True)} | {k: ColumnSpec(label=v) for k, v in customer.items()},
                ),
                "contact": CollectionSpec(
                    category="C12",
                    label=text("Yhteydenotot", "Kontakter", "Contacts"),
                    columns={
                        "kind": ColumnSpec(
                            label=text("Tapa", "Sätt", "Way"),
                            codes={"P": text("puhelu", "samtal", "call"), "E": text("sähköposti", "e-post", "e-mail")},
                        )
                    },
                ),
            }
        ),
    )
    metering = SourceSpec(
        source="metering",
        kind="sql",
        connection={"url": "sqlite://"},
        label=text("Mittaustiedot", "Mätuppgifter", "Metering"),
        dataset=(dataset("metering", {"reading": ["point", "at", "kwh", "status"]}),),
        person=PersonSpec(
            collections={
                "reading": CollectionSpec(
                    category="C05",
                    label=text("Kulutus", "Förbrukning", "Consumption"),
                    series=SeriesSpec(at="at", key=("point",), zone="utc"),
                    columns={"kwh": ColumnSpec(label=text("Kulutus", "Förbrukning", "Consumption"), unit="kWh")},
                )
            }
        ),
    )
    return Register(
        folder=folder,
        controller=Controller(
            name="Lakeuden Esimerkkisähkö Oy",
            business_id="9000137-2",
            address="Tyrninkukankuja 200, 60100 Seinäjoki",
            phone="06 000 0000",
            email="asiakaspalvelu@sahko.example",
            dpo=Officer(name="Tiina Tietosuoja", email="tietosuoja@sahko.example"),
            authority=Authority(
                name=text(
                    "Tietosuojavaltuutetun toimisto",
                    "Dataombudsmannens byrå",
                    "Office of the Data Protection Ombudsman",
                ),
                address=text("PL 800, 00531 Helsinki", "PB 800, 00531 Helsingfors", "PO Box 800, 00531 Helsinki"),
                phone="029 566 6700",
                email="tietosuoja@om.example",
                website="tietosuoja.example",
                verified_on=date(2026, 11, 1),
            ),
        ),
        categories={
            "C01": category("C01", text("Henkilötiedot", "Identitet", "Identity"), elsewhere=text(*HUB)),
            "C05": category("C05", text("Kulutus", "Förbrukning", "Consumption")),
            "C12": category("C12", text("Yhteydenotot", "Kontakthistorik", "Contact history"), provided=False),
        },
        holds=(
            HoldRule(
                id="H09",
                law=Law(act="velka"),
                source="domain",
                checked_on=date(2026, 11, 1),
                categories={"C01": "all"},
                trigger="open_balance > 0.0",
                until='""',
                text=text(
                    "Sinulla on avoin lasku {no} ({amount} €).",
                    "Du har en obetald faktura {no} ({amount} €).",
                    "Invoice {no} ({amount} €) is open.",
                ),
            ),
        ),
        sources={"crm": crm, "metering": metering},
        digest="0" * 64,
    )


def make_case(language: str = "fi", right: Right = Right.ACCESS, **more: object) -> CaseFacts:
    facts = {
        "reference": "TP-2026-7K4M-9X",
        "right": right,
        "language": language,
        "received_on": date(2026, 10, 24),
        "due_a": date(2026, 11, 24),
        "due_b": date(2026, 11, 24),
        "today": date(2026, 11, 3),
        "name": NAME,
        "verified_method": "code",
        "extended_until": date(2027, 1, 25),
        "extension_reason": "complexity",
        "sources": (
            SourceFacts(
                "crm",
                "Asiakasrekisteri",
                SourceResult.FOUND,
                "",
                {"customer": 1, "contact": 2},
                {"own": 3, "third_party": 1},
            ),
            SourceFacts("metering", "Mittaustiedot", SourceResult.FOUND, "", {"reading": 31}, {"own": 31}),
            SourceFacts("paper", "Paperiarkisto", SourceResult.NOT_SEARCHED, "by_hand", {}),
        ),
        "plan": (
            PlanLine("crm", "contact", "C12", Action.DELETE, Ownership.OWN, 2),
            PlanLine(
                "crm",
                "customer",
                "C01",
                Action.KEEP,
                Ownership.OWN,
                1,
                holds=(HoldMatch("H09", "VanhL", None, params={"no": "1042", "amount": "51.20"}),),
                reason="held",
            ),
        ),
        "plan_hash": "ab" * 32,
        "receipts": {"erased": 2, "kept": 1},
        "refusal_ground": "legal_claim",
        "refusal_reason": "Lasku on riitautettu.",
        "decided_by": "kaisa",
        "guarantees": {"crm": "A"},
        "link": "https://sahko.example/fi/s/abc",
        "link_expires_on": date(2026, 11, 17),
        "code": "417 902",
        "code_minutes": 30,
        "corrections": (
            Corrected(1, "", "crm", "customer", "name", "E…i", "M…i", "change", "changed", "", "", date(2026, 11, 3)),
            Corrected(2, "Muistiinpano", "", "", "", "", "", "note", "", "", "Arvio ei ole virhe.", None),
        ),
        "ask_kind": "identity",
        "wanted": ("who", "visit"),
        "answer_by": date(2026, 12, 8),
        "stage": "collecting",
        "extra": {"ground": "accuracy", "note": "Osoite on väärä.", "noted": "0", "weighed": "Verkon suunnittelu."}
        | {"lift_on": "2026-12-08", "lift_code": "verified", "lift_words": "Osoite pitää paikkansa."}
        | {"bans": "B1 B3", "consent": "1", "erases": "2026-ABCD", "paused": "Perintä Oy"}
        | {
            "fee": "25,00 €",
            "fee_ground": "Pyyntö on kohtuuton.",
            "fee_basis": "tunti työtä",
            "target_on": "2026-11-30",
        }
        | {"answer": "Sopimus siirtyi pesälle.\n\nLaskut lähetetään sille.", "answered_by": "Kaisa Käsittelijä"},
    }
    facts["extra"] = facts["extra"] | {"kind": "erasure", "categories": "Identity", "recipient": "Printer Oy"}
    return CaseFacts(**(facts | more))


def make_item(collection: str = "customer", source: str = "crm", category: str = "C01", **more: object) -> Item:
    fields = more.pop("fields", {"id": 7, "number": "100042", "name": NAME, "note": '=HYPERLINK("x")'})
    return Item(
        **(
            {
                "source": source,
                "collection": collection,
                "locator": {"id": 7},
                "category": category,
                "ownership": Ownership.OWN,
                "digest": digest_of(fields),
                "fields": fields,
            }
            | more
        )
    )


@pytest.fixture(scope="session")
def register():
    return make_register()


@pytest.fixture(scope="session")
def documents(register):
    made = Documents(register, signing_key=KEY)
    yield made
    made.close()


@pytest.fixture(scope="session")
def case():
    return make_case


@pytest.fixture(scope="session")
def item():
    return make_item


@pytest.fixture(scope="session")
def new_register():
    return make_register
