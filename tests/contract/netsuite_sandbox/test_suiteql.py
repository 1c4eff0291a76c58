"""SuiteQL over the wire: the result envelope, what values look like, what is refused, and paging."""

from __future__ import annotations

import pytest

from .conftest import Account

FORMAT = "YYYY-MM-DD HH24:MI:SS"


def test_envelope_values_and_omissions(account: Account) -> None:
    body = account.suiteql("SELECT ID, tranId, terms, voided, foreignTotal, memo FROM transaction WHERE id = 9").json()
    assert body["items"] == [
        {"links": [], "id": "9", "tranid": "INV-00001", "terms": "1", "voided": "F", "foreigntotal": "162.57"}
    ]
    assert (body["count"], body["hasMore"], body["offset"], body["totalResults"]) == (1, False, 0, 1)
    assert {link["rel"] for link in body["links"]} == {"last", "self"}


def test_dates_are_local_unless_formatted(account: Account) -> None:
    row = account.rows(
        f"SELECT trandate, lastmodifieddate, TO_CHAR(lastmodifieddate, '{FORMAT}') AS local,"
        f" TO_CHAR(SYS_EXTRACT_UTC(lastmodifieddate), '{FORMAT}') AS utc FROM transaction WHERE id = 9"
    )[0]
    assert row == {
        "trandate": "1/5/2026",
        "lastmodifieddate": "1/25/2026",
        "local": "2026-01-25 10:30:00",
        "utc": "2026-01-25 18:30:00",
    }


def test_display_values_joins_and_aggregates(account: Account) -> None:
    rows = account.rows(
        "SELECT BUILTIN.DF(t.status) AS status, BUILTIN.DF(t.entity) AS customer, c.symbol, COUNT(*) AS n,"
        " SUM(tl.foreignamount) AS balance, NVL(MAX(t.memo), 'none') AS memo"
        " FROM transaction t JOIN transactionline tl ON tl.transaction = t.id JOIN currency c ON c.id = t.currency"
        " WHERE t.type = 'CustInvc' AND t.id IN (9, 17) AND tl.mainline = 'F'"
        " GROUP BY t.status, t.type, t.entity, c.symbol ORDER BY BUILTIN.DF(t.status)"
    )
    assert rows == [
        {"status": "Invoice : Open", "customer": "CUST0001 Globex", "symbol": "USD", "n": "3", "balance": "-162.57",
         "memo": "none"},
        {"status": "Invoice : Voided", "customer": "CUST0002 Initech", "symbol": "JPY", "n": "3", "balance": "-10000",
         "memo": "none"},
    ]  # fmt: skip


def test_customer_with_billing_address(account: Account) -> None:
    rows = account.rows(
        "SELECT c.entityid, c.creditlimit, c.creditholdoverride, c.vatregnumber, a.addr1, a.city, a.country"
        " FROM customer c LEFT JOIN entityaddress a ON a.nkey = c.defaultbillingaddress"
        " WHERE c.id IN (2, 4) ORDER BY c.id"
    )
    assert rows == [
        {"entityid": "CUST0001", "creditlimit": "50000", "creditholdoverride": "AUTO", "vatregnumber": "DE136695976",
         "addr1": "1 Main St", "city": "Albany", "country": "US"},
        {"entityid": "CUST0002", "creditlimit": "5000000", "creditholdoverride": "AUTO", "addr1": "1 Main St",
         "city": "Albany", "country": "US"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "params", "words"),
    [
        (
            "SELECT nope FROM transaction t",
            None,
            "Unknown identifier 'nope'. Available identifiers are: {t=transaction}",
        ),
        ("SELECT id FROM nowhere", None, "Record 'nowhere' was not found"),
        ("SELECT id FROM transaction LIMIT 5", None, "LIMIT is not SuiteQL"),
        ("SELECT frobnicate(id) FROM transaction", None, "Unknown function 'frobnicate'"),
        ("DELETE FROM transaction", None, "Only a single SELECT"),
        ("SELECT id FROM transaction WHERE", None, "Invalid or unsupported search"),
        ("SELECT id FROM transaction WHERE trandate > '2026-01-01'", None, "expected the account's format M/D/YYYY"),
        ("SELECT id FROM transaction WHERE id = ?", ["1", "2"], "has 1 parameters but 2 values"),
        (f"SELECT id FROM customer WHERE lastmodifieddate > TO_DATE(?, '{FORMAT}')", ["2026-01-01T00:00"], "ORA-01861"),
    ],
)
def test_refusals(account: Account, query: str, params: list[str] | None, words: str) -> None:
    assert words in account.refusal(query, params)


def test_error_body_and_required_header(account: Account) -> None:
    response = account.http.post("/services/rest/query/v1/suiteql", json={"q": "SELECT id FROM currency"})
    assert response.status_code == 400
    assert response.headers["content-type"].startswith("application/vnd.oracle.resource+json; type=error")
    body = response.json()
    assert (body["title"], body["status"]) == ("Bad Request", 400)
    assert body["o:errorDetails"][0]["o:errorHeader"] == "Prefer"


def test_page_rules(account: Account) -> None:
    query = "SELECT id FROM transaction ORDER BY id"
    assert "divisible" in account.refusal(query, limit=1000, offset=500)
    assert "between 1 and 1000" in account.refusal(query, limit=1001)
    assert "at most 100000" in account.refusal(query, limit=1000, offset=100_000)
    first = account.suiteql(query, limit=1000).json()
    second = account.suiteql(query, limit=1000, offset=1000).json()
    assert first["hasMore"] is True
    assert {link["rel"] for link in second["links"]} == {"first", "previous", "next", "last", "self"}
    assert first["totalResults"] == second["totalResults"] > 2500
    assert not {i["id"] for i in first["items"]} & {i["id"] for i in second["items"]}


@pytest.mark.parametrize("style", ["expanded", "row value"])
def test_keyset_over_lines_reaches_every_line_once(account: Account, style: str) -> None:
    bound = f"TO_TIMESTAMP(?, '{FORMAT}')"
    stamp = "SYS_EXTRACT_UTC(t.lastmodifieddate)"
    expanded = f"({stamp} > {bound} OR ({stamp} = {bound} AND (t.id > ? OR (t.id = ? AND l.id > ?))))"
    row_value = f"({stamp}, t.id, l.id) > ({bound}, ?, ?)"
    query = (
        f"SELECT t.id AS transaction, l.id, TO_CHAR({stamp}, '{FORMAT}') AS modified, l.foreignamount"
        " FROM transactionline l JOIN transaction t ON t.id = l.transaction"
        f" WHERE {expanded if style == 'expanded' else row_value} ORDER BY t.lastmodifieddate, t.id, l.id"
    )
    total = int(account.rows("SELECT COUNT(*) AS n FROM transactionline")[0]["n"])
    seen: list[tuple[str, str]] = []
    at, transaction, line = "2020-01-01 00:00:00", "0", "0"
    while True:
        binds = [at, at, transaction, transaction, line] if style == "expanded" else [at, transaction, line]
        page = account.suiteql(query, binds).json()
        assert page["totalResults"] == total - len(seen)
        seen += [(item["transaction"], item["id"]) for item in page["items"]]
        if not page["hasMore"]:
            break
        at, transaction, line = (page["items"][-1][key] for key in ("modified", "transaction", "id"))
    assert len(seen) == len(set(seen)) == total


def test_integers_in_the_text_and_a_limit_in_the_text(account: Account) -> None:
    assert len(account.rows("SELECT id FROM transaction WHERE ROWNUM <= 3")) == 3
    assert len(account.rows("SELECT id FROM transaction WHERE id > 9 ORDER BY id FETCH FIRST 2 ROWS ONLY")) == 2
    top = "SELECT TOP 2 id FROM customer WHERE id >= 4 AND entityid LIKE 'CUST0%' ORDER BY id"
    assert [row["id"] for row in account.rows(top)] == ["4", "6"]


def test_faults_of_reading(account: Account) -> None:
    query = f"SELECT id, foreigntotal FROM transaction WHERE lastmodifieddate > TO_TIMESTAMP(?, '{FORMAT}') ORDER BY id"
    assert account.rows(query, ["2030-01-01 00:00:00"]) == []
    account.fault("ignore_filter", times=1)
    assert len(account.rows(query, ["2030-01-01 00:00:00"])) == 1000
    account.fault("drop_column", times=1, params={"table": "transaction", "column": "foreigntotal"})
    assert "Unknown identifier 'foreigntotal'" in account.refusal(query, ["2026-01-01 00:00:00"])
    account.fault("retype_column", times=1, params={"table": "transaction", "column": "foreigntotal"})
    assert account.rows("SELECT foreigntotal FROM transaction WHERE id = 9") == [{"foreigntotal": "USD 162.57"}]
    account.fault("grow_enum", times=1, params={"table": "transaction", "column": "type", "value": "CustFee"})
    assert account.rows("SELECT type FROM transaction WHERE id = 9") == [{"type": "CustFee"}]
    renamed = {"table": "transaction", "column": "foreigntotal", "to": "foreigntotalgross"}
    account.fault("rename_column", times=2, params=renamed)
    assert "Unknown identifier 'foreigntotal'" in account.refusal(query, ["2026-01-01 00:00:00"])
    assert account.rows("SELECT foreigntotalgross FROM transaction WHERE id = 9") == [{"foreigntotalgross": "162.57"}]
    before = account.rows("SELECT * FROM transaction WHERE id = 9")[0]
    account.fault("add_column", times=1, params={"table": "transaction", "column": "custbody_region", "like": "tranid"})
    after = account.rows("SELECT * FROM transaction WHERE id = 9")[0]
    assert after == {**before, "custbody_region": before["tranid"]}
    plain = account.rows(query, ["2026-01-01 00:00:00"], limit=10, offset=10)
    account.fault("page_drift", times=1, params={"rows": 2})
    assert account.rows(query, ["2026-01-01 00:00:00"], limit=10, offset=10)[0] == plain[2]
