"""The campaign's short form: each recipe small. The long one: arsync bench faults --seeds 1000."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest

from arsync_pipelines.bootstrap import PROJECT_ROOT
from tests.fixtures.postgres import Postgres, postgres
from tests.integration.delivery.stores import DATABASES, Stores, stores
from tests.integration.faults import batches, disks, kills, others, pauses, replays, schemas, storms, tokens
from tests.integration.faults.cursors.ours import Arsync
from tests.integration.faults.cursors.stories import STORIES
from tests.integration.faults.cursors.telling import SLIPS, told
from tests.integration.faults.drifting import KINDS, WORLDS

__all__ = ["postgres"]


@pytest.fixture(scope="module", params=DATABASES)
def on(request: pytest.FixtureRequest) -> Iterator[Stores]:
    server: Postgres | None = request.getfixturevalue("postgres") if request.param == "postgres" else None
    with stores(request.param, server) as made:
        yield made


@pytest.fixture(scope="module")
def there() -> Iterator[kills.World]:
    with kills.world() as made:
        yield made


def test_killed_processes_leave_nothing_undone_and_nothing_twice(on: Stores, there: kills.World) -> None:
    found = kills.killed_everywhere(on, there, ("push.written", "http.answered", "push.settled"), most=1)
    sys.stdout.write(f"{found.kills} kills, recovery p95 {found.recovery_p95:.1f} s\n")
    assert (found.kills, found.told) == (3, [])


def test_steps_that_fail_leave_nothing_undone_and_nothing_twice(on: Stores, there: kills.World) -> None:
    points = ("ops.before_commit", "ops.committed", "http.answered")
    found = kills.killed_everywhere(on, there, points, most=2, action="raise")
    assert (found.kills, found.told) == (6, [])


def test_every_failpoint_of_delivery_is_killed_at() -> None:
    """A boundary that is marked, and that the campaign does not know, would not be tried."""
    house = PROJECT_ROOT / "arsync_pipelines"
    archived = {*house.glob("ops/archive/*.py")}  # killed at in the contract of the store
    files = [f for f in (*house.glob("ops/**/*.py"), *house.glob("connectors/**/*.py")) if f not in archived]
    files += [house / "services" / name for name in ("deliver.py", "push.py", "worker.py", "limiter.py")]
    marked = {name for file in files for name in re.findall(r'failpoint\("([a-z._]+)"\)', file.read_text())}
    assert marked == {*kills.POINTS, *kills.IN_RECOVERY}


def test_a_worker_stopped_beyond_its_lease_writes_nothing_any_more(on: Stores, there: kills.World) -> None:
    if on.database == "sqlite":
        pytest.skip("one machine's lock keeps others out")
    found = pauses.paused_everywhere(on, there, ("push.claimed",), most=1)
    assert (found.kills, found.told) == (1, [])


def test_a_full_disk_leaves_the_store_whole(on: Stores, there: kills.World) -> None:
    if on.database == "postgres":
        pytest.skip("a server's disk is the server's matter")
    found = disks.full_everywhere(on, there, step=384 * 1024)
    assert found.kills >= 1 and found.told == []


def test_flipped_bits_are_noticed(on: Stores) -> None:
    flips = disks.flipped(on, 16)
    assert flips.flipped > 20 and flips.unnoticed == []


def test_every_mask_of_a_batch_is_accounted_for(on: Stores) -> None:
    masked = batches.every_mask(on, 3)
    assert (masked.masks, masked.unaccounted, masked.duplicated, masked.lost) == (16, 0, 0, 0)


def test_dead_letters_replayed_twice_take_effect_once(on: Stores) -> None:
    replayed = replays.replayed_twice(on, 20)
    assert (replayed.most_effects, replayed.lost, replayed.unaccounted) == (1, 0, 0)
    assert replayed.moved <= replayed.held


@pytest.mark.parametrize("form", storms.FORMS)
def test_a_storm_is_waited_out(form: str) -> None:
    with stores("sqlite") as files:
        storm = storms.storm(files, form, 12)
    assert storm.refused > 0 and (storm.early, storm.unaccounted) == (0, 0)
    assert storm.times_ideal < 1.5


def test_an_expired_token_is_renewed_once() -> None:
    ended = tokens.expired(150)
    assert ended.expiries > 2 and ended.refreshes == ended.expiries and ended.failed == 0


def test_stories_that_lose_rows_to_careless_cursors_lose_none() -> None:
    """What is missing or old is said by an error or a control total, but for the one gap that is written down."""
    short = [story for story in STORIES if "of ms" not in story.name and "of us" not in story.name]  # s and ns are told
    outcomes = [told(story, Arsync) for story in short]
    assert [str(one) for one in outcomes if one.broken] == []
    assert {one.story.name for one in outcomes if one.silent} == {one.name for one in STORIES if one.promise == "gap"}
    assert sum(one.expected for one in outcomes) > 500


@pytest.mark.parametrize("story", SLIPS)
def test_the_stories_show_a_slip_in_our_own_cursor(story: str) -> None:
    assert told(next(one for one in STORIES if one.name == story), SLIPS[story]).wrong


@pytest.mark.parametrize("system", WORLDS)
def test_a_schema_that_drifts_is_noticed_and_nothing_turns_into_nothing(system: str) -> None:
    verdicts = schemas.all_drifts(system, first_of_kind=True)
    assert [line for verdict in verdicts for line in verdict.told] == []
    assert {verdict.drift.kind for verdict in verdicts} == set(KINDS)


def test_recipes_that_are_tests_are_there() -> None:
    assert all((PROJECT_ROOT / file).is_file() for files in others.RECIPES.values() for file in files)
