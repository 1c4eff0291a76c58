"""Log lines: one JSON object each with the ids that hold where it was written, and never a secret."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator

import pytest

from arsync_pipelines.domain.logs import bound, write_lines

NAME = "arsync_test_lines"


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    made = logging.getLogger(NAME)
    yield made
    made.handlers = []


def test_a_json_line_carries_its_ids(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    write_lines("json", logger=NAME)
    with bound(run_id="r1", connection="pay"):
        log.info("event %s", "evt_1", extra={"correlation_id": "c1"})
        with bound(connection="crm"):
            log.warning("password=hunter2")
    log.info("outside")
    log.debug("too little")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [
        (x["level"], x["message"], x.get("run_id"), x.get("connection"), x.get("correlation_id")) for x in lines
    ] == [
        ("info", "event evt_1", "r1", "pay", "c1"),
        ("warning", "[removed]", "r1", "crm", None),
        ("info", "outside", None, None, None),
    ]
    assert lines[0]["at"].endswith("Z") and lines[0]["logger"] == NAME


def test_an_error_comes_with_its_traceback_in_one_line(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    write_lines("json", logger=NAME)
    try:
        raise ValueError("token=abcdefgh is wrong")
    except ValueError:
        log.exception("failed")
    (line,) = capsys.readouterr().err.splitlines()
    message = json.loads(line)["message"]
    assert message.startswith("failed\nTraceback") and "ValueError" in message and "abcdefgh" not in message


def test_ids_are_those_of_the_thread_that_writes(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    write_lines("text", logger=NAME)
    with bound(run_id="mine"):
        other = threading.Thread(target=lambda: log.info("other"))
        other.start()
        other.join()
        log.info("mine")
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("other") and second.endswith("mine [run_id=mine]")


def test_configured_again_lines_are_written_once(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    write_lines("text", logger=NAME)
    write_lines("text", logger=NAME)
    log.info("once")
    assert len(capsys.readouterr().err.splitlines()) == 1
