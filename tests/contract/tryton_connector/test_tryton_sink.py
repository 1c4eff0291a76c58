"""Customers written into a real Tryton: one party per key whatever happens, nobody else's change overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
import pytest

from arsync_pipelines.connectors.tryton.sink import TrytonSink
from arsync_pipelines.domain.comparison import holds
from arsync_pipelines.domain.errors import SinkError
from arsync_pipelines.domain.push import FailureClass, PushIntent
from arsync_pipelines.ports.sink import Outcome, Sink
from tests.contract.tryton_connector.conftest import Books, Meddling

pytestmark = pytest.mark.slow(shares="a company in Tryton")

ACME = {
    "name": "Acme Works",
    "tax_registration": "BE0403019261",
    "email": "ar@acme.example",
    "phone": None,
    "payment_terms": "30 days",
    "billing_street": "1 Dock Road",
    "billing_city": "Gent",
    "billing_state": None,
    "billing_postal_code": "9000",
    "billing_country": "BE",
}
_numbers = count(1)


def intent(payload: dict[str, Any], key: str) -> PushIntent:
    number = f"i{next(_numbers)}"
    now = datetime(2025, 7, 1, tzinfo=UTC)
    return PushIntent(number, "erp", "customer", key, 1, payload, {}, key, number, "s", now)


def write(sink: TrytonSink, payload: dict[str, Any], key: str) -> Outcome:
    (outcome,) = sink.write("customer", [intent(payload, key)]).outcomes
    return outcome


@pytest.fixture
def key() -> Iterator[str]:
    yield f"001{next(_numbers):06d}"


def carriers(books: Books, key: str) -> list[int]:
    return [row[0] for row in books.stored(f"select party from party_identifier where code = 'arsync:{key}'")]


def test_a_customer_is_created_once_and_read_back(books: Books, key: str) -> None:
    sink = books.sink()
    assert isinstance(sink, Sink)
    first = write(sink, ACME, key)
    assert (first.kind, first.created) == ("acknowledged", True)
    again = write(sink, ACME, key)
    assert (again.kind, again.created, again.target_id) == ("acknowledged", False, first.target_id)
    assert carriers(books, key) == [int(first.target_id)]
    assert holds(sink.read_back("customer", [intent(ACME, key)])[key], ACME)
    books.sync("party")
    assert books.held["party"][first.target_id]["name"] == "Acme Works"
    assert sink.read_back("customer", [intent(ACME, "unknown")]) == {"unknown": None}


def test_only_differences_are_written_and_none_clears(books: Books, key: str) -> None:
    sink = books.sink()
    write(sink, ACME, key)
    changed = {
        **ACME,
        "billing_street": "2 Dock Road",
        "email": None,
        "phone": "+32 9 123 45 67",
        "payment_terms": None,
    }
    assert write(sink, changed, key).kind == "acknowledged"
    assert holds(sink.read_back("customer", [intent(changed, key)])[key], changed)
    (party,) = carriers(books, key)
    assert len(books.stored(f"select id from party_address where party = {party}")) == 1
    net = Meddling()
    assert write(books.sink(net), changed, key).kind == "acknowledged"
    assert not any(method.endswith((".write", ".create")) for method in net.methods)


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(books: Books, key: str) -> None:
    write(books.sink(), ACME, key)
    net = Meddling()

    def interfere(method: str, number: int) -> None:
        if method == "model.party.party.write":
            net.before = lambda method, number: None
            assert write(books.sink(), {**ACME, "name": "Acme Works & Sons"}, key).kind == "acknowledged"

    net.before = interfere
    outcome = write(books.sink(net), {**ACME, "billing_city": "Brugge", "name": "Acme"}, key)
    assert (outcome.kind, outcome.code, outcome.failure_class) == (
        "retry",
        "ConcurrencyException",
        FailureClass.TRANSIENT,
    )
    shown = books.sink().read_back("customer", [intent(ACME, key)])[key]
    assert shown and (shown["name"], shown["billing_city"]) == ("Acme Works & Sons", "Gent")


def test_an_answer_lost_after_the_commit_leaves_one_customer(books: Books, key: str) -> None:
    net = Meddling()

    def lose(method: str, number: int) -> None:
        if method == "model.party.party.create":
            raise httpx.ReadError("lost after the commit")

    net.after = lose
    outcome = write(books.sink(net), ACME, key)
    assert (outcome.kind, outcome.failure_class) == ("unknown", FailureClass.AMBIGUOUS)
    sink = books.sink()
    assert holds(sink.read_back("customer", [intent(ACME, key)])[key], ACME)
    assert write(sink, ACME, key).created is False
    assert len(carriers(books, key)) == 1


def test_each_refused_row_has_its_outcome_and_its_neighbours_go_on(books: Books) -> None:
    rows = {
        "a1": ACME,
        "a2": {**ACME, "tax_registration": "BE0000000000"},
        "a3": {**ACME, "payment_terms": "Whenever"},
        "a4": {**ACME, "name": ""},
        "a5": {**ACME, "credit_limit": "10.00"},
        "a6": {**ACME, "billing_country": "XX"},
        "a7": {**ACME, "name": "Another"},
    }
    result = books.sink().write("customer", [intent(payload, name) for name, payload in rows.items()])
    told = [(outcome.kind, outcome.code, outcome.failure_class) for outcome in result.outcomes]
    assert told == [
        ("acknowledged", "", None),
        ("rejected", "UserError", FailureClass.BUSINESS),
        ("rejected", "UNKNOWN_VALUE", FailureClass.BUSINESS),
        ("rejected", "REQUIRED_FIELD_MISSING", FailureClass.BUSINESS),
        ("rejected", "UNMAPPED_FIELD", FailureClass.PERMANENT),
        ("rejected", "UNKNOWN_VALUE", FailureClass.BUSINESS),
        ("acknowledged", "", None),
    ]
    assert "BE0000000000" in result.outcomes[1].message
    assert result.requests < 12


def test_two_parties_with_one_key_are_nobody_s_choice(books: Books, key: str) -> None:
    sink = books.sink()
    write(sink, ACME, key)
    other = write(sink, {**ACME, "name": "Other"}, f"{key}-other")
    books.change(f"update party_identifier set code = 'arsync:{key}' where party = {other.target_id} and type is null")
    outcome = write(sink, ACME, key)
    assert (outcome.kind, outcome.code) == ("rejected", "DUPLICATE_KEY") and other.target_id in outcome.message
    assert sink.read_back("customer", [intent(ACME, key)]) == {key: None}


def test_a_merged_customer_is_found_where_it_went(books: Books, key: str) -> None:
    sink = books.sink()
    gone, kept = write(sink, ACME, key), write(sink, {**ACME, "name": "Kept"}, f"{key}-kept")
    books.change(f"update party_party set replaced_by = {kept.target_id}, active = false where id = {gone.target_id}")
    outcome = write(sink, {"name": "Kept and merged"}, key)
    assert (outcome.kind, outcome.target_id) == ("acknowledged", kept.target_id)


def test_nothing_is_sent_when_tryton_cannot_be_read(books: Books) -> None:
    with pytest.raises(SinkError, match="nothing was written"):
        write(books.sink(user="nobody"), ACME, "b1")
    with pytest.raises(SinkError, match="takes no 'invoice'"):
        books.sink().write("invoice", [])
    with pytest.raises(SinkError, match="two intents"):
        books.sink().write("customer", [intent(ACME, "b1"), intent(ACME, "b1")])
