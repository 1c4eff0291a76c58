"""The taxonomy: every code that can be met has a line, an unknown one says that it is unknown."""

from __future__ import annotations

import re
from typing import Any

import pytest

from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.connectors.registry import CONNECTORS, TAXONOMY
from arsync_pipelines.connectors.salesforce.errors import POLICY as SALESFORCE
from arsync_pipelines.connectors.salesforce.errors import STRUCTURAL_CODES, TRANSIENT_CODES
from arsync_pipelines.connectors.stripe.errors import POLICY as STRIPE
from arsync_pipelines.connectors.tryton.errors import POLICY as TRYTON
from arsync_pipelines.domain.failures import FAILURES, FINDINGS, finding_code
from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.domain.taxonomy import UNKNOWN_BUSINESS, UNKNOWN_TECHNICAL, Change, Failure, Taxonomy

CONNECTOR_CODE = re.compile(
    r"(?:code=|PayloadRefused\(|_rejected\(\s*intent,\s*|retry_outcome\([a-z_]+,\s*|ACCESS_REFUSED = |return )"
    r'"([A-Z_]{5,})"'
)
RECONCILIATION = PROJECT_ROOT / "dbt_project" / "models" / "reconciliation"


def test_every_code_that_a_connector_writes_has_a_line() -> None:
    unknown, seen = [], set()
    for vendor in CONNECTORS:
        for path in (PROJECT_ROOT / "arsync_pipelines" / "connectors" / vendor).glob("*.py"):
            for code in CONNECTOR_CODE.findall(path.read_text(encoding="utf-8")):
                seen.add(code)
                if TAXONOMY.find(vendor, code, None) in (UNKNOWN_TECHNICAL, UNKNOWN_BUSINESS):
                    unknown.append(f"{vendor} {code}")
    assert unknown == []
    assert {"NO_ANSWER", "UNMAPPED_FIELD", "DUPLICATE_KEY", "UNREACHABLE", "ACCESS_REFUSED"} <= seen


def test_every_code_of_the_error_maps_has_a_line_of_the_same_class() -> None:
    for code in TRANSIENT_CODES:
        assert TAXONOMY.find("salesforce", code, None).failure_class is FailureClass.TRANSIENT, code
    for code in STRUCTURAL_CODES:
        assert TAXONOMY.find("salesforce", code, None).failure_class is FailureClass.PERMANENT, code
    for policy in (SALESFORCE, TRYTON, STRIPE):
        for rule in policy.rules:
            if rule.code and not rule.words:
                assert TAXONOMY.find(policy.vendor, rule.code, None).failure_class is rule.failure, rule.code


def test_every_finding_that_a_check_can_make_has_a_line() -> None:
    missing, found = [], set()
    for path in RECONCILIATION.glob("recon_*.sql"):
        text = path.read_text(encoding="utf-8")
        if path.stem == "recon_document":
            kinds = set(re.findall(r"'(\w+):' \|\|", text))
        else:
            kinds = set(re.findall(r"'(missing|extra|stale|different|duplicate)' as finding", text))
            for case in re.findall(r"case((?:(?!\bcase\b)[\s\S])*?)end as finding", text):
                kinds |= set(re.findall(r"(?:then|else) '(\w+)'", case))
        for kind in kinds:
            code = finding_code(path.stem, kind, f"{kind}:x")
            found.add(code)
            if TAXONOMY.find("", code, FailureClass.BUSINESS) is UNKNOWN_BUSINESS:
                missing.append(code)
    assert missing == []
    # those of the checks without a class of their own stand in recon_finding.sql
    assert {f.code for f in FINDINGS} - found == {
        "recon_gl_control.different", "recon_counts.missing", "recon_counts.extra", "recon_counts.different",
    }  # fmt: skip
    assert "UNAPPLIED_PAYMENT" in found


def test_the_examples_of_the_domain_have_a_line_each() -> None:
    codes = {f.code for f in FAILURES if not f.is_technical}
    assert {
        "MISSING_TAX_REGISTRATION", "UNKNOWN_PAYMENT_TERMS", "SUSPECTED_DUPLICATE", "CURRENCY_MISMATCH",
        "INVOICE_WITHOUT_ACCOUNT", "UNAPPLIED_PAYMENT", "DISPUTE_WITHOUT_REASON",
    } <= codes  # fmt: skip


@pytest.mark.parametrize(
    ("failure_class", "line"),
    [
        (FailureClass.BUSINESS, UNKNOWN_BUSINESS), (FailureClass.PERMANENT, UNKNOWN_TECHNICAL),
        (FailureClass.TRANSIENT, UNKNOWN_TECHNICAL), (None, UNKNOWN_TECHNICAL),
    ],
)  # fmt: skip
def test_an_unknown_code_falls_to_the_default_of_its_class(failure_class: FailureClass | None, line: Failure) -> None:
    assert TAXONOMY.find("salesforce", "NEVER_SEEN", failure_class) is line
    assert "does not know" in line.title


def test_a_vendors_own_line_goes_before_arsyncs() -> None:
    own = line(code="UNREACHABLE", system="x", title="of x")
    assert Taxonomy((*FAILURES, own)).find("x", "UNREACHABLE", None) is own
    assert Taxonomy((*FAILURES, own)).find("y", "UNREACHABLE", None).system == ""


def test_a_code_stands_once() -> None:
    with pytest.raises(ValueError, match="CODE of x stands in it twice"):
        Taxonomy((line(), line(title="again")))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"code": ""}, "a code is"), ({"code": "A B"}, "a code is"), ({"owner": "nobody"}, "is no team"),
        ({"sla_hours": 0}, "at least one hour"), ({"advice": " "}, "neither may be empty"),
        ({"title": ""}, "neither may be empty"),
    ],
)  # fmt: skip
def test_nonsense_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        line(**change)


def line(**change: Any) -> Failure:
    given: dict[str, Any] = {
        "code": "CODE", "failure_class": FailureClass.BUSINESS, "title": "it", "owner": "tax", "sla_hours": 4,
        "advice": "do", "system": "x",
    }  # fmt: skip
    return Failure(**(given | change))


def test_owners_and_slas_can_be_changed_and_nothing_else() -> None:
    changes = [
        Change("UNAPPLIED_PAYMENT", owner="collections"), Change("DUPLICATE_VALUE", "salesforce", sla_hours=2),
        Change("UNKNOWN_BUSINESS", owner="tax"),
    ]  # fmt: skip
    changed = TAXONOMY.with_changes(changes)
    line = changed.find("", "UNAPPLIED_PAYMENT", None)
    assert (line.owner, line.sla_hours) == ("collections", TAXONOMY.find("", "UNAPPLIED_PAYMENT", None).sla_hours)
    assert changed.find("salesforce", "DUPLICATE_VALUE", None).sla_hours == 2
    assert changed.find("stripe", "NEVER_SEEN", FailureClass.BUSINESS).owner == "tax"
    assert changed.find("stripe", "NEVER_SEEN", None) == UNKNOWN_TECHNICAL
    assert {(f.system, f.code) for f in changed.lines} == {(f.system, f.code) for f in TAXONOMY.lines}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([Change("NO_SUCH", owner="tax")], "NO_SUCH of arsync is no failure code"),
        ([Change("NO_ANSWER", "salesforce", sla_hours=1)], "NO_ANSWER of salesforce is no"),
        ([Change("NO_ANSWER", sla_hours=1), Change("NO_ANSWER", sla_hours=2)], "changed twice"),
    ],
)
def test_a_change_of_nothing_is_refused(changes: list[Change], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        TAXONOMY.with_changes(changes)
