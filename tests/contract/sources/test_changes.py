"""Changes: what happened at the source is read and nothing else; what vanished becomes a tombstone."""

from __future__ import annotations

from tests.fixtures.sources.base import Company, Landed, differences


def test_what_changed_is_read_and_only_that(company: Company, landed: Landed) -> None:
    landed.run()
    before = {stream: company.truth(stream) for stream in landed.specs}
    company.change()
    after = {stream: company.truth(stream) for stream in landed.specs}
    stats = landed.run()
    assert differences(company, landed) == {}
    changed = {
        stream: {key for key in old.keys() | after[stream].keys() if old.get(key) != after[stream].get(key)}
        for stream, old in before.items()
    }
    assert any(changed.values())
    gone = company.known_gone(landed)
    for stream, expected in changed.items():
        silent = {key for key in expected - after[stream].keys() if gone & set(key)}
        assert landed.news(stream) == expected - silent, stream
        assert stats[stream].rows_new + stats[stream].rows_deleted == len(expected - silent), stream


def test_days_pass_and_both_sides_agree(company: Company, landed: Landed) -> None:
    for _ in range(3):
        landed.run()
        company.change()
    landed.run()
    assert differences(company, landed) == {}


def test_what_vanished_becomes_a_tombstone(company: Company, landed: Landed) -> None:
    ways = {spec.delete_detection for spec in landed.specs.values()} - {"none"}
    landed.run()
    removed = company.remove()
    assert {landed.specs[stream].delete_detection for stream, _ in removed} == ways
    landed.run()
    for stream, key in removed:
        assert key in landed.tombstones(stream), stream
        assert key not in landed.current(stream), stream
    assert differences(company, landed) == {}
