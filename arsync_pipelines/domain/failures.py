"""Codes of arsync itself: what happens on the way whatever the vendor, the business failures that onboarding and
reconciliation name, and one line for every kind of finding. Data only; see domain.taxonomy."""

from __future__ import annotations

from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.domain.taxonomy import Failure
from arsync_pipelines.domain.teams import Team

T, P, A, B = FailureClass.TRANSIENT, FailureClass.PERMANENT, FailureClass.AMBIGUOUS, FailureClass.BUSINESS

_WAIT = "nothing while it is retried; once it is dead, see that the system answers and replay"
_FIX_ERP = "correct the document in the ERP; the case closes with the next sync"
_PUSH = "run a push; what it cannot repair says why in a case of its own"

DELIVERY: tuple[Failure, ...] = (
    Failure("UNREACHABLE", T, "no answer from the system within the retry budget", "data_engineering", 4, _WAIT),
    Failure("NOT_UPLOADED", T, "the batch did not reach the system", "data_engineering", 4, _WAIT),
    Failure("UNPROCESSED", T, "the system ended the batch before this row", "data_engineering", 4, _WAIT),
    Failure("SinkError", T, "the system refused the connection as a whole; nothing was sent", "data_engineering", 4,
            "run `arsync doctor`; what waits is sent by the next push"),
    Failure("NO_ANSWER", A, "the answer was lost after the change may have taken effect", "data_engineering", 4,
            "nothing: it is read back before anything is sent again"),
    Failure("PROCESS_LOST", A, "the process that sent it ended before it saw the answer", "data_engineering", 4,
            "nothing: it is read back before anything is sent again"),
    Failure("NOT_CONFIRMED", A, "read back again and again, the system never showed the change", "data_engineering", 8,
            "look at the record in the target system, then replay"),
    Failure("ACCESS_REFUSED", P, "credentials or permissions are refused", "data_engineering", 4,
            "run `arsync doctor`, correct credentials or permissions, then replay"),
    Failure("INVALID_BATCH", P, "the system refused the form of a whole batch", "data_engineering", 8,
            "read the message, correct the mapping, then replay"),
    Failure("UNMAPPED_FIELD", P, "a field is sent that the connection does not map", "data_engineering", 8,
            "correct the mapping of the connection, then replay"),
    Failure("INVALID_VALUE", B, "a value cannot be written in the target's type", "finance_systems", 24,
            "correct the value in the system that owns it"),
    Failure("UNKNOWN_VALUE", B, "the target does not know a value that the record names", "finance_systems", 24,
            "create the value in the target (payment terms, country, state), or correct the record; then replay"),
    Failure("REQUIRED_FIELD_MISSING", B, "a value that the target needs is empty", "sales_operations", 24,
            "fill in the field in the system that owns it"),
    Failure("DUPLICATE_KEY", B, "several records of the target carry the same key", "sales_operations", 24,
            "merge the records in the target, then replay"),
)  # fmt: skip

INGEST: tuple[Failure, ...] = (
    Failure("ROW_SET_ASIDE", B, "a row of an extract cannot be read; its last good version stays", "finance_systems",
            24, "correct the row and write the extract again"),
    Failure("LANDING_EXPECTATION", B, "rows that landed do not meet an expectation; nothing is published meanwhile",
            "data_engineering", 4, "correct the rows at their source, then `arsync sync`"),
)  # fmt: skip

DRIFT: tuple[Failure, ...] = (
    Failure("ACCOUNT_DELETED", B, "an account was deleted in the CRM while its customer has receivables",
            "sales_operations", 24, "undelete the account, or link another; the figures follow by themselves"),
    Failure("RECORD_DELETED", B, "a record of arsync was deleted in the CRM, and by policy is not made again",
            "accounts_receivable", 24, "undelete it, or let [drift] of arsync.toml say `recreate` and push"),
    Failure("RESTORED_TOO_OFTEN", B, "somebody or something in the CRM writes over a record again and again",
            "data_engineering", 8, "take edit access to the fields from the user or automation named; the next push "
            "after the window of [drift] sends our values again"),
)  # fmt: skip

BUSINESS: tuple[Failure, ...] = (
    Failure("MISSING_TAX_REGISTRATION", B, "the customer has no tax registration where its country requires one",
            "tax", 48, "enter the tax registration on the customer"),
    Failure("UNKNOWN_PAYMENT_TERMS", B, "payment terms that the ERP does not know", "accounts_receivable", 24,
            "choose terms that the ERP knows, or create them there"),
    Failure("SUSPECTED_DUPLICATE", B, "the customer looks like one that is there already", "sales_operations", 48,
            "link it to the other, or say that they are two"),
    Failure("CURRENCY_MISMATCH", B, "the currency is not that of the agreement, the customer or the payment",
            "accounts_receivable", 24, "correct the currency on the document, or on the customer"),
    Failure("INVOICE_WITHOUT_ACCOUNT", B, "an invoice whose customer has no account in the CRM", "sales_operations", 48,
            "create or link the account; the invoice follows with the next sync"),
    Failure("DISPUTE_WITHOUT_REASON", B, "a dispute without a reason code", "collections", 24,
            "enter the reason code where the dispute is kept"),
    Failure("UNAPPLIED_PAYMENT", B, "a payment or credit waits for its application longer than allowed",
            "cash_application", 48, "apply it to what it pays, refund it, or explain it"),
)  # fmt: skip


def _finding(check: str, kind: str, title: str, owner: Team, hours: int, advice: str) -> Failure:
    return Failure(f"{check}.{kind}", B, title, owner, hours, advice)


FINDINGS: tuple[Failure, ...] = (
    _finding("recon_customer_presence", "missing", "a customer of the ERP is not in the CRM", "sales_operations", 72,
             "create the account, or link the one that is there"),
    _finding("recon_customer_presence", "extra", "an account carries an ERP number that no customer has",
             "sales_operations", 72, "remove or correct the number on the account"),
    _finding("recon_customer_presence", "different", "an account's ERP number means several customers",
             "sales_operations", 72, "say on the account which of them it is"),
    _finding("recon_customer_presence", "duplicate", "several accounts are one customer", "sales_operations", 72,
             "merge the accounts"),
    _finding("recon_customer_attributes", "different", "CRM and ERP say different things of a customer",
             "sales_operations", 72, "correct it on the side that does not own the field"),
    _finding("recon_invoice_presence", "missing", "an invoice of the ERP is not in the CRM", "accounts_receivable", 24,
             _PUSH),
    _finding("recon_invoice_presence", "extra", "the CRM shows an invoice that the ERP does not have",
             "accounts_receivable", 24, _PUSH),
    _finding("recon_invoice_presence", "duplicate", "the CRM shows an invoice twice", "accounts_receivable", 24,
             "delete one of the records in the CRM"),
    _finding("recon_invoice_status", "different", "the CRM shows another status or amount of an invoice",
             "accounts_receivable", 24, _PUSH),
    _finding("recon_invoice_status", "stale", "the CRM still shows what an invoice was before", "accounts_receivable",
             24, _PUSH),
    _finding("recon_account_balance", "missing", "an account shows no balance", "accounts_receivable", 24, _PUSH),
    _finding("recon_account_balance", "different", "an account shows another balance than the ERP",
             "accounts_receivable", 24, _PUSH),
    _finding("recon_account_balance", "stale", "an account still shows its balance from before", "accounts_receivable",
             24, _PUSH),
    _finding("recon_account_balance", "extra", "an account shows a balance that the ERP knows nothing of",
             "accounts_receivable", 24, _PUSH),
    _finding("recon_payment_processor", "missing", "money of the processor is not in the ERP", "cash_application", 24,
             "post the payment, refund or chargeback in the ERP"),
    _finding("recon_payment_processor", "different", "processor and ERP differ in the amount of a payment",
             "cash_application", 24, "correct the payment in the ERP"),
    _finding("recon_payment_processor", "duplicate", "a payment of the processor is in the ERP twice",
             "cash_application", 24, "void one of the payments in the ERP"),
    _finding("recon_payment_processor", "extra", "the ERP has a payment that the processor does not know",
             "cash_application", 24, "find where the money came from, or void the payment"),
    _finding("recon_document", "over_applied", "more is applied to a document than it came to", "cash_application", 48,
             "take back an application in the ERP"),
    _finding("recon_document", "unknown_currency", "a document in a currency that is none", "finance_systems", 8,
             _FIX_ERP),
    _finding("recon_document", "due_before_date", "an instalment is due before its invoice's date",
             "accounts_receivable", 72, _FIX_ERP),
    _finding("recon_document", "posted_only", "an entry on a control account that is no document of receivables",
             "finance_systems", 24, "reclassify the entry in the general ledger"),
    _finding("recon_document", "posted_otherwise", "a document is posted with another amount than it has",
             "finance_systems", 24, "correct the posting in the general ledger"),
    _finding("recon_document", "uncounted_order", "an order that cannot be counted into credit exposure",
             "finance_systems", 72, _FIX_ERP),
    _finding("recon_gl_control", "different", "sub-ledger and general ledger differ", "finance_systems", 8,
             "`arsync prove` names what differs; correct it in the ledger before the period closes"),
    _finding("recon_counts", "missing", "rows got lost on a step of the way", "data_engineering", 4,
             "read the stream again (`arsync sync --since`), or the whole of it"),
    _finding("recon_counts", "extra", "a step of the way has rows that came from nowhere", "data_engineering", 8,
             "read the stream again; deletions may have been missed"),
    _finding("recon_counts", "different", "a step of the way changes an amount", "data_engineering", 4,
             "compare the sums by source; a rounding or a currency differs"),
)  # fmt: skip

FAILURES: tuple[Failure, ...] = (*DELIVERY, *INGEST, *DRIFT, *BUSINESS, *FINDINGS)

_NAMED: dict[tuple[str, str], str] = {("recon_unapplied", "stale"): "UNAPPLIED_PAYMENT"}


def finding_code(check: str, finding: str, finding_id: str) -> str:
    """The code of a finding: its check and what was found; where a check finds several things, its id begins with
    which."""
    kind = finding_id.split(":", 1)[0] if check == "recon_document" else finding
    return _NAMED.get((check, kind), f"{check}.{kind}")
