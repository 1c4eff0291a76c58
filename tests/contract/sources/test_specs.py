"""What a connector declares is sane by itself: no sandbox is needed to see that it is not."""

from __future__ import annotations

from collections import Counter

import pytest

from arsync_pipelines.connectors.base import Connector
from arsync_pipelines.connectors.registry import CONNECTORS
from arsync_pipelines.ports.source import Source
from tests.fixtures.sources import SUBJECTS, Company

every_connector = pytest.mark.parametrize("connector", CONNECTORS.values(), ids=list(CONNECTORS))


def test_every_connector_is_a_subject() -> None:
    assert {subject.vendor for subject in SUBJECTS} == set(CONNECTORS), "add a line to tests/fixtures/sources"


@every_connector
def test_streams_are_named_once_and_described(connector: Connector) -> None:
    names = Counter(spec.name for spec in connector.streams)
    assert names and max(names.values()) == 1
    assert {spec.system for spec in connector.streams} == {connector.vendor}
    assert all(spec.description.endswith(".") for spec in connector.streams)
    assert all(spec.page_size <= 10_000 for spec in connector.streams)


@every_connector
def test_keys_are_required_and_numbers_with_decimals_are_text(connector: Connector) -> None:
    for spec in connector.streams:
        fields = {field.name: field for field in spec.fields}
        assert all(fields[column].required for column in spec.primary_key), spec.name
        assert len({field.source for field in spec.fields}) == len(fields), f"{spec.name}: a value lands twice"
        assert {field.kind for field in spec.fields} <= {"text", "integer", "boolean", "json"}, spec.name
        flag = fields.get(spec.deleted_flag)
        assert flag is None or flag.kind == "boolean", spec.name


def test_a_connection_offers_what_its_connector_declares(company: Company) -> None:
    source = company.source()
    declared = {spec.name: spec for spec in CONNECTORS[company.vendor].streams}
    assert isinstance(source, Source) and source.system == company.vendor and source.connection
    for spec in source.streams():
        assert [f.name for f in spec.fields] == [f.name for f in declared[spec.name].fields]
        assert spec.primary_key == declared[spec.name].primary_key
