"""A user event script of the account calls: NetSuite has no webhooks, so the script posts and signs by itself.

    {"type": "record.edit", "data": {"recordType": "invoice", "id": "4711"}}

signed as Standard Webhooks has it. docs/howto/receive-webhooks.md has a script; `type` ends in create, edit, xedit,
delete or whatever else the script's context says.
"""

from __future__ import annotations

from datetime import datetime

from arsync_pipelines.connectors.netsuite.options import NetSuiteOptions
from arsync_pipelines.connectors.signing import STANDARD, WebhookOptions, check_standard, read_object
from arsync_pipelines.domain.errors import WebhookUnreadable
from arsync_pipelines.domain.inbox import Event, Hint
from arsync_pipelines.domain.secret import Reveal
from arsync_pipelines.ports.webhook import Posted, Told, Webhook

_TRANSACTION = (
    "transaction", "transaction_line", "transaction_accounting_line", "transaction_link", "transaction_installment"
)  # fmt: skip
_TRANSACTIONS = (
    "invoice", "customerpayment", "creditmemo", "customerrefund", "customerdeposit", "depositapplication",
    "journalentry", "intercompanyjournalentry", "advintercompanyjournalentry", "cashsale",
)  # fmt: skip
STREAMS_OF: dict[str, tuple[str, ...]] = {
    "customer": ("customer",),
    "subsidiary": ("subsidiary",),
    "currency": ("currency",),
    "term": ("term",),
    "account": ("account",),
    "accountingperiod": ("accounting_period",),
    **dict.fromkeys(_TRANSACTIONS, _TRANSACTION),
}
"""Record type of SuiteScript -> streams in which a record of it shows."""


class NetSuiteWebhook:
    """Implements ports.webhook.Webhook."""

    def __init__(self, options: WebhookOptions, reveal: Reveal) -> None:
        self._options = options
        self._reveal = reveal

    def verify(self, posted: Posted, now: datetime) -> Told:
        delivery_id = check_standard(posted, self._options, self._reveal, now)
        told = read_object(posted.body)
        data, kind = told.get("data"), told.get("type")
        if not isinstance(data, dict) or not isinstance(kind, str) or not data.get("recordType"):
            raise WebhookUnreadable("the body has no type, or no data with recordType and id")
        key = str(data.get("id") or "")
        streams = STREAMS_OF.get(str(data["recordType"]).lower(), ())
        hints = [Hint(stream, key) for stream in streams]
        if streams and kind.endswith("delete"):
            hints.append(Hint("deleted_record", key))
        event = Event(delivery_id, f"{data['recordType']}.{kind.rpartition('.')[2]}", tuple(hints), posted.body)
        return Told(STANDARD, (event,))


def webhook(_connection: str, options: NetSuiteOptions, reveal: Reveal) -> Webhook | None:
    """The receiving end of a connection, None where none is configured."""
    return NetSuiteWebhook(options.webhook, reveal) if options.webhook else None
