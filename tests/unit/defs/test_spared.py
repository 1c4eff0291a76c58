"""What dbt is spared: its debug messages and schemas, inside a build only, and nothing that anybody asks for."""

from __future__ import annotations

from typing import Any

import pytest

from arsync_pipelines.defs.transform.spared import spared

pytest.importorskip("dbt.cli.main")

from dbt.adapters.events.types import SQLQuery
from dbt.artifacts.resources import Owner
from dbt_common.dataclass_schema import ValidationError
from dbt_common.events.base_types import EventLevel, msg_from_base_event
from dbt_common.events.event_manager_client import get_event_manager
from dbt_common.events.functions import fire_event
from dbt_common.events.types import Note


def _query() -> SQLQuery:
    return SQLQuery(conn_name="master", sql="select 1", node_info={"node_name": "fct_invoice"})


def test_a_debug_event_becomes_a_message_when_somebody_looks() -> None:
    usual = msg_from_base_event(_query())
    with spared():
        event = _query()
        assert "pb_msg" not in vars(event)
        late = msg_from_base_event(event)
        assert event.sql == "select 1" and event.node_info.node_name == "fct_invoice"
    assert late.data == usual.data and late.info.msg == usual.info.msg
    assert "pb_msg" in vars(_query()), "outside it is dbt's own again"


def test_what_is_no_debug_event_is_heard_and_a_debug_event_raised_to_more_too() -> None:
    heard: list[str] = []
    with spared():
        get_event_manager().add_callback(lambda message: heard.append(f"{message.info.level} {message.info.msg}"))
        fire_event(_query())
        fire_event(_query(), level=EventLevel.WARN)
        fire_event(Note(msg="as ever"))
    assert [line.split()[0] for line in heard] == ["warn", "info"]
    assert "select 1" in heard[0] and heard[1] == "info as ever"


def test_schemas_hold_again_after_a_build_that_failed() -> None:
    manager = get_event_manager()
    wrong: dict[str, Any] = {"email": 3}
    with pytest.raises(KeyError), spared():
        Owner.validate(wrong)
        raise KeyError("a build that failed")
    assert get_event_manager() is manager
    with pytest.raises(ValidationError):
        Owner.validate(wrong)
