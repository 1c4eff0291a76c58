"""Columns that a vendor shows and nobody reads: a new one is among them, one that is read is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from arsync_pipelines.ports.source import Offering
from tests.fixtures.sources import REMOTE, Remote
from tests.fixtures.sources.base import Company

ADDED = {
    "netsuite": ("transaction", "transaction", "custbody_region", "tranid"),
    "salesforce": ("account", "Account", "Region__c", "Name"),
    "stripe": ("charge", "charge", "network_fee", "id"),
}


def test_who_can_tell(company: Company) -> None:
    source = company.source()
    assert isinstance(source, Offering) == (company.vendor != "tryton")
    if isinstance(source, Offering):
        names = [spec.name for spec in source.streams()]
        shown = source.unread(names)
        assert shown and shown.keys() <= set(names)
        fields = {spec.name: {field.source for field in spec.fields} for spec in source.streams()}
        assert {stream: fields[stream].intersection(columns) for stream, columns in shown.items()} == {
            stream: set() for stream in shown
        }


@pytest.mark.parametrize("subject", [s for s in REMOTE if s.vendor in ADDED], ids=lambda subject: subject.vendor)
def test_an_added_column_is_shown(subject: Any, opened: Callable[[Any], Remote]) -> None:
    remote = opened(subject)
    source = remote.source()
    assert isinstance(source, Offering)
    stream, table, column, like = ADDED[remote.vendor]
    before = source.unread([stream])[stream]
    remote.stand_in.fault("add_column", params={"table": table, "column": column, "like": like})
    assert sorted(set(source.unread([stream])[stream]) - set(before)) == [column]
