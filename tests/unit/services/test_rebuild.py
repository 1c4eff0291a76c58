"""What has to be built again, on a graph drawn by hand:

raw_a -> stg_a (view) -> fct_a -> sum_a -> test_sum
raw_b -> stg_b ---------------->  sum_a
"""

from __future__ import annotations

from datetime import datetime

import pytest

from arsync_pipelines.services.rebuild import Built, Graph, Node, fingerprints, finished, stale

GRAPH = Graph(
    {
        n.node_id: n
        for n in (
            Node("test_sum", ("sum_a",)),
            Node("sum_a", ("fct_a", "stg_b"), "sum_a"),
            Node("fct_a", ("stg_a",), "fct_a"),
            Node("stg_a", ("raw_a",), "stg_a", holds_data=False),
            Node("stg_b", ("raw_b",), "stg_b"),
        )
    },
    {"raw_a": "raw_a", "raw_b": "raw_b"},
)
RELATIONS = {"sum_a", "fct_a", "stg_a", "stg_b"}
BEFORE = {"raw_a": "1", "raw_b": "1"}


def prints(code: str = "code", **changed: str) -> dict[str, str]:
    return fingerprints(GRAPH, code, {**BEFORE, **changed})


def records(current: dict[str, str], *but: str) -> dict[str, Built]:
    return {i: Built(p, "run", datetime(2026, 7, 1)) for i, p in current.items() if i not in but}


def test_nothing_new_leaves_nothing_to_build() -> None:
    assert stale(GRAPH, prints(), records(prints()), RELATIONS) == set()


def test_nodes_are_named_parents_first() -> None:
    order = list(GRAPH.sources_above)
    assert all(order.index(p) < order.index(n) for n in order for p in GRAPH.nodes[n].parents if p in order)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [("raw_a", {"fct_a", "sum_a", "test_sum"}), ("raw_b", {"stg_b", "sum_a", "test_sum"})],
)
def test_new_rows_reach_all_that_is_made_from_them_but_views(changed: str, expected: set[str]) -> None:
    assert stale(GRAPH, prints(**{changed: "2"}), records(prints()), RELATIONS) == expected


def test_changed_code_reaches_everything() -> None:
    assert stale(GRAPH, prints("other"), records(prints()), RELATIONS) == set(GRAPH.nodes)


def test_what_failed_or_was_struck_out_is_built_again_with_all_upon_it() -> None:
    assert stale(GRAPH, prints(), records(prints(), "fct_a"), RELATIONS) == {"fct_a", "sum_a", "test_sum"}
    assert stale(GRAPH, prints(), records(prints(), "test_sum"), RELATIONS) == {"test_sum"}


def test_a_table_that_is_gone_is_built_again_with_all_upon_it() -> None:
    assert stale(GRAPH, prints(), records(prints()), RELATIONS - {"stg_b"}) == {"stg_b", "sum_a", "test_sum"}
    assert stale(GRAPH, prints(), records(prints()), RELATIONS - {"stg_a"}) == {"stg_a", "fct_a", "sum_a", "test_sum"}


def test_a_reverted_source_does_not_revive_what_was_built_meanwhile() -> None:
    standing = records(prints(), "fct_a", "sum_a", "test_sum")  # struck out when the other version was built
    assert stale(GRAPH, prints(), standing, RELATIONS) == {"fct_a", "sum_a", "test_sum"}


def test_a_chosen_model_above_stale_ones_is_not_recorded() -> None:
    current = prints(raw_a="2")
    standing = records(prints(), "sum_a", "test_sum")
    assert finished(GRAPH, current, standing, {"sum_a", "test_sum"}) == set()
    assert finished(GRAPH, current, standing, {"fct_a", "sum_a", "test_sum"}) == {"fct_a", "sum_a", "test_sum"}


def test_only_what_succeeded_is_recorded() -> None:
    current = prints(raw_a="2")
    standing = records(prints(), "fct_a", "sum_a", "test_sum")
    assert finished(GRAPH, current, standing, {"fct_a"}) == {"fct_a"}
    assert finished(GRAPH, current, standing, {"fct_a", "test_sum"}) == {"fct_a"}, "a test of a table that failed"
