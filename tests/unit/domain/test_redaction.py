"""What looks like a secret leaves free text; what people need to see a case through stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arsync_pipelines.domain.redaction import redact_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "sent Authorization: Bearer 00Dxx0000001gPL!AR8AQ, failed",
            "sent Authorization: [removed], failed",
        ),
        ("key sk_live_4eC39HqLyjWDarjtT1zdp7dc is revoked", "key [removed] is revoked"),
        ("password=hunter2 refused", "[removed] refused"),
        ("expired session id: 00D5e000001N20Q", "expired [removed]"),
        ("see https://user:hunter2@erp.example/x", "see https://[removed]@erp.example/x"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_1 ended", "token [removed] ended"),
        ("card 4111 1111 1111 1111 declined", "card [removed] declined"),
        ("IBAN DE89370400440532013000 unknown", "IBAN [removed] unknown"),
        ("IBAN GB82 WEST 1234 5698 7654 32", "IBAN [removed]"),
    ],
)
def test_secrets_go(text: str, shown: str) -> None:
    assert redact_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DUPLICATE_VALUE: duplicate value found: External_Id__c duplicates value on record with id: a0B5e00000AbCdE",
        "invoice INV-2026-000123 of 2026-01-31 over 1,234,567.89 EUR",
        "4111 1111 1111 1112 is no card number, nor is 0000 0000 0000 0000",
        "DE89370400440532013001 has a wrong check digit",
        "Required fields are missing: [Token_Count__c]",
    ],
)
def test_what_people_need_stays(text: str) -> None:
    assert redact_text(text) == text


@given(st.text(max_size=200))
def test_what_was_searched_once_is_not_changed_again(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once
