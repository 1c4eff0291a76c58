"""What is kept of a body: enough to see what came, nothing protected, and never too much."""

from __future__ import annotations

import json

import pytest

from arsync_pipelines.domain.bodies import KEPT, redact_body


def test_members_with_personal_or_payment_data_are_removed_at_any_depth() -> None:
    body = {
        "id": "evt_1", "type": "customer.updated", "created": 5, "livemode": False,
        "data": {"object": {"id": "cus_1", "name": "Ada", "email": "a@b.example", "phone": "", "address": {"city": "X"},
                            "invoice_settings": {"default_payment_method": None}, "metadata": {"erp_customer": "C1"},
                            "payment_method_details": {"card": {"last4": "4242"}},
                            "items": [{"billing_name": "Ada", "amount": 500}]}},
    }  # fmt: skip
    kept = json.loads(redact_body(json.dumps(body).encode()))
    shown = kept["data"]["object"]
    assert (kept["id"], kept["type"], kept["created"], shown["id"]) == ("evt_1", "customer.updated", 5, "cus_1")
    assert shown["metadata"] == {"erp_customer": "C1"} and shown["items"] == [
        {"billing_name": "[removed]", "amount": 500}
    ]
    assert (shown["name"], shown["email"], shown["phone"], shown["address"]) == (
        "[removed]", "[removed]", "", "[removed]"
    )  # fmt: skip
    assert shown["payment_method_details"] == {"card": "[removed]"}


def test_xml_loses_its_protected_elements_too() -> None:
    body = b"<a><SessionId>00D!abc</SessionId><sf:Id>001A</sf:Id><sf:Name>Ada</sf:Name><sf:Phone x='1'>5</sf:Phone></a>"
    assert redact_body(body) == (
        "<a><SessionId>[removed]</SessionId><sf:Id>001A</sf:Id><sf:Name>[removed]</sf:Name>"
        "<sf:Phone x='1'>[removed]</sf:Phone></a>"
    )


def test_free_text_is_searched_for_secrets() -> None:
    assert (
        redact_body(b'{"note": "card 4242 4242 4242 4242, token=abcdefgh"}') == '{"note":"card [removed], [removed]"}'
    )


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 100_000, b'{"a": "' + b"x" * 100_000 + b'"}', b"\x00a"])
def test_any_body_gives_a_short_text_that_a_database_takes(body: bytes) -> None:
    kept = redact_body(body)
    assert len(kept) < KEPT + 40 and "\x00" not in kept
    kept.encode()
