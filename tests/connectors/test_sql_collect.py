"""Collect finds what is the person's, and says of everything else whose it is."""

from tests.connectors.shop import collected, marks, seeds, shop


def test_a_customer_gets_own_rows_and_the_shared_home_is_marked_shared(shop_url: str) -> None:
    found = marks(collected(shop(shop_url), seeds(email="one@shop.example")))
    assert found == {
        "customer/1": "own",
        "address/1": "shared*",
        "address/2": "third_party*",
        "orders/10": "own",
        "orders/11": "own",
        "order_line/10-1": "own",
        "order_line/10-2": "own",
        "order_line/11-1": "own",
        "shipment/100": "own",
        "shipment/101": "own",
        "service_request/1": "own",
        "account/1": "own",
        "card/7": "own",
        "card/9": "own",
        "visit/one@shop.example-/a": "own",
        "visit/one@shop.example-/b": "own",
    }


def test_an_employee_does_not_get_the_customers_they_served(shop_url: str) -> None:
    found = marks(collected(shop(shop_url), seeds(email="boss@shop.example")))
    assert found == {
        "employee/1": "own*",
        "employee/2": "third_party",
        "address/2": "shared*",
        "service_request/1": "third_party",
        "service_request/2": "third_party",
        "service_request/3": "own",
    }


def test_find_names_the_person_once_with_contact_as_on_file(shop_url: str) -> None:
    people = shop(shop_url).find({"email": "ONE@shop.example"})
    assert [(p.key, p.identifiers, p.contact.name, p.contact.email) for p in people] == [
        ("1", {"email": "one@shop.example"}, "Yksi Esimerkki", "one@shop.example")
    ]
    assert shop(shop_url).find({"email": "nobody@shop.example"}) == []
    assert shop(shop_url).find({}) == []
