"""Which models and tests have to run again: the record of what each was made from, kept in the warehouse itself.

A node's fingerprint names all that it is made from: the project's code and the version of every source table above it.
It is recorded after the node was built, and struck out, in a committed transaction, before the node or anything above
it is built again. So a fingerprint stands only while its table holds what these inputs make: a build that failed or was
killed leaves none for what it did not finish, and the next build does that again.

How the nodes are built is not known here.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from arsync_pipelines.ports.warehouse import Warehouse

TABLE = "raw_arsync__built"
_COLUMNS = {"node_id": "varchar", "fingerprint": "varchar", "run_id": "varchar", "built_at": "timestamp"}
_VERSIONED = "_seq"


@dataclass(frozen=True, slots=True)
class Node:
    """A model, seed or test. `parents` are ids of nodes and of sources; `relation` is what must exist ("" for a test).

    `holds_data` is false for what the code alone makes: a view, a unit test. New rows below it leave it as it is, but
    what is built upon it sees them.
    """

    node_id: str
    parents: tuple[str, ...]
    relation: str = ""
    holds_data: bool = True


@dataclass(frozen=True)
class Graph:
    """All nodes by id, and the table of every source by the source's id."""

    nodes: Mapping[str, Node]
    sources: Mapping[str, str]

    @cached_property
    def sources_above(self) -> Mapping[str, frozenset[str]]:
        """Source tables that each node is made from, directly or through others; parents before children."""
        found: dict[str, frozenset[str]] = {}

        def above(node_id: str) -> frozenset[str]:
            if node_id in self.sources:
                return frozenset({self.sources[node_id]})
            if node_id not in found:
                found[node_id] = frozenset().union(*(above(p) for p in self.nodes[node_id].parents))
            return found[node_id]

        for node_id in self.nodes:
            above(node_id)
        return found

    @cached_property
    def _children(self) -> Mapping[str, list[str]]:
        children: dict[str, list[str]] = defaultdict(list)
        for node in self.nodes.values():
            for parent in node.parents:
                children[parent].append(node.node_id)
        return children

    def with_descendants(self, ids: Iterable[str]) -> set[str]:
        """`ids` and every node that is built upon them."""
        found: set[str] = set()
        todo = list(ids)
        while todo:
            node_id = todo.pop()
            if node_id not in found:
                found.add(node_id)
                todo.extend(self._children.get(node_id, ()))
        return found


@dataclass(frozen=True, slots=True)
class Built:
    """What is recorded of a node: the fingerprint of its inputs, and which run built it when (UTC)."""

    fingerprint: str
    run_id: str
    built_at: datetime


def fingerprints(graph: Graph, code: str, versions: Mapping[str, str]) -> dict[str, str]:
    """Fingerprint of every node, given the checksum of the code and the version of every source table."""
    return {
        node.node_id: _digest(
            code, *(f"{s}={versions[s]}" for s in sorted(graph.sources_above[node.node_id] if node.holds_data else ()))
        )
        for node in graph.nodes.values()
    }


def stale(
    graph: Graph, current: Mapping[str, str], recorded: Mapping[str, Built], relations: Collection[str]
) -> set[str]:
    """Ids of nodes to build: not recorded with their current fingerprint, gone from the database, or built on one."""

    def stands(node: Node) -> bool:
        built = recorded.get(node.node_id)
        exists = not node.relation or node.relation in relations
        return built is not None and built.fingerprint == current[node.node_id] and exists

    fallen = {node.node_id for node in graph.nodes.values() if not stands(node)}
    below = graph.with_descendants(fallen)
    return {i for i in below if i in fallen or graph.nodes[i].holds_data}


def finished(
    graph: Graph, current: Mapping[str, str], recorded: Mapping[str, Built], done: Collection[str]
) -> set[str]:
    """Which of the nodes `done` in this build may be recorded: those with nothing stale above them.

    Only a build of chosen models leaves others out: they are built upon whatever their parents hold.
    """
    known: dict[str, bool] = {}

    def solid(node_id: str) -> bool:
        if node_id not in graph.nodes:
            return True  # a source
        if node_id not in known:
            built = recorded.get(node_id)
            own = node_id in done or (built is not None and built.fingerprint == current[node_id])
            known[node_id] = own and all(solid(p) for p in graph.nodes[node_id].parents)
        return known[node_id]

    return {node_id for node_id in done if node_id in graph.nodes and solid(node_id)}


def versions(warehouse: Warehouse, tables: Collection[str]) -> dict[str, str]:
    """A text for each table that changes whenever its rows or columns do. Inside `warehouse.writing()`.

    Raw tables only grow and number their rows in `_seq`, over all tables and never twice; of the small tables that this
    program replaces at will, the rows themselves are read.
    """
    columns: dict[str, list[str]] = defaultdict(list)
    for row in warehouse.query(
        "select table_name, column_name, data_type from information_schema.columns "
        "order by table_name, ordinal_position"
    ):
        columns[row["table_name"]].append(f"{row['column_name']} {row['data_type']}")
    names = {table: {c.split(" ")[0] for c in columns[table]} for table in tables if table in columns}
    counted = sorted(table for table, own in names.items() if _VERSIONED in own)
    states: dict[str, str] = {}
    if counted:
        parts = (f"select '{t}' as name, max({_VERSIONED}) as seq, count(*) as row_count from {t}" for t in counted)
        for row in warehouse.query(" union all ".join(parts)):
            states[row["name"]] = f"{row['seq']}/{row['row_count']}"
    for table in set(names) - set(counted):
        rows = warehouse.query(f"select * from {table}")
        states[table] = _digest(*sorted(repr(tuple(row.values())) for row in rows))
    return {table: _digest(states.get(table, "missing"), *columns.get(table, ())) for table in tables}


def relations(warehouse: Warehouse) -> set[str]:
    """Names of the tables and views that exist. Inside `warehouse.writing()`."""
    return {row["table_name"] for row in warehouse.query("select table_name from information_schema.tables")}


def recorded(warehouse: Warehouse) -> dict[str, Built]:
    """What is recorded, {} before the first build. Inside `warehouse.writing()`."""
    if TABLE not in relations(warehouse):
        return {}
    rows = warehouse.query(f"select * from {TABLE}")
    return {row["node_id"]: Built(row["fingerprint"], row["run_id"], row["built_at"]) for row in rows}


def replace(warehouse: Warehouse, standing: Mapping[str, Built]) -> None:
    """Make `standing` all that is recorded, in one transaction. Inside `warehouse.writing()`."""
    rows: Sequence[tuple[str, str, str, datetime]] = [
        (node_id, built.fingerprint, built.run_id, built.built_at) for node_id, built in sorted(standing.items())
    ]
    warehouse.replace_table(TABLE, _COLUMNS, rows)


def built_now(current: Mapping[str, str], ids: Iterable[str], run_id: str) -> dict[str, Built]:
    """Records of nodes that this run has just built."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return {node_id: Built(current[node_id], run_id, now) for node_id in ids}


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
