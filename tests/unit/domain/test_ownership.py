"""The source-of-truth matrix: one owner per field; what is pushed into the CRM is the ERP's or collections'."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.connectors.salesforce.fields import KINDS, READ_ONLY
from arsync_pipelines.domain.ownership import MATRIX, RECEIVABLES, not_owned_by, owner_of

PAYLOADS = (PROJECT_ROOT / "dbt_project" / "macros" / "payload.sql").read_text(encoding="utf-8")


def payload_fields(object_name: str) -> frozenset[str]:
    """First entries of the lists in macro <object>_fields()."""
    body = re.search(rf"macro {object_name}_fields\(\)(.*?)endmacro", PAYLOADS, re.DOTALL)
    assert body is not None, f"macros/payload.sql has no macro {object_name}_fields"
    return frozenset(re.findall(r"\['(\w+)',", body.group(1)))


def test_no_field_has_two_owners() -> None:
    named = Counter(field for group in MATRIX for field in group.fields)
    assert [field for field, times in named.items() if times > 1] == []


@pytest.mark.parametrize("object_name", KINDS)
def test_every_field_that_the_models_send_is_of_erp_or_collections(object_name: str) -> None:
    fields = payload_fields(object_name)
    assert fields
    assert not_owned_by(RECEIVABLES, object_name, fields) == []


@pytest.mark.parametrize("object_name", KINDS)
def test_every_field_that_the_connector_writes_is_of_erp_or_collections(object_name: str) -> None:
    assert not_owned_by(RECEIVABLES, object_name, frozenset(KINDS[object_name])) == []
    # ours to read: proposed in the CRM, decided in the ERP
    assert not_owned_by(frozenset({"erp"}), object_name, frozenset(READ_ONLY.get(object_name, ()))) == []


def test_a_field_of_the_crm_and_an_unknown_one_are_refused() -> None:
    assert not_owned_by(RECEIVABLES, "account", frozenset({"name", "open_balance", "favourite_colour"})) == [
        "favourite_colour",
        "name",
    ]
    assert owner_of("account", "name") == "crm"
    assert owner_of("account", "favourite_colour") is None
    assert owner_of("account", "promise_date") == owner_of("invoice", "dunning_level") == "collections"
