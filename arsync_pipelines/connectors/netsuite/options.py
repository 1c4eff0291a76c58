"""What arsync.toml may say about a NetSuite connection."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator

from arsync_pipelines.connectors.signing import WebhookOptions
from arsync_pipelines.domain.secret import SecretRef

_zones = cache(available_timezones)  # it walks through folders


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TokenBased(_Table):
    """Token-based authentication: an integration record and a user's access token (OAuth 1.0a)."""

    method: Literal["tba"]
    consumer_key: SecretRef
    """Of the integration record."""
    consumer_secret: SecretRef
    """Of the integration record."""
    token_id: SecretRef
    """Of the user's access token."""
    token_secret: SecretRef
    """Of the user's access token."""


class MachineToMachine(_Table):
    """OAuth 2.0 client credentials: a certificate uploaded to the integration record, its private key here (PEM)."""

    method: Literal["m2m"]
    client_id: SecretRef
    """Of the integration record."""
    certificate_id: str = Field(min_length=1)
    """Id that NetSuite gave the uploaded certificate."""
    private_key: SecretRef
    """PEM of the certificate's key."""
    algorithm: Literal["PS256", "ES256"] = "PS256"
    """PS256 for an RSA key, ES256 for an elliptic one."""
    token_url: str = ""
    """Token endpoint, also the assertion's audience; default: the account's own."""


class NetSuiteOptions(_Table):
    """One NetSuite account."""

    account: str = Field(pattern=r"^[A-Za-z0-9_]+$")
    """Account id as in Setup > Company, e.g. `1234567` or `1234567_SB1`; also the OAuth realm."""
    auth: Annotated[TokenBased | MachineToMachine, Field(discriminator="method")]
    base_url: str = ""
    """Default: https://<account>.suitetalk.api.netsuite.com"""
    time_zone: str
    """IANA zone of the account (Setup > Company > Time Zone): SuiteQL shows and compares timestamps in it."""
    concurrency: int = Field(default=4, ge=1, le=100)
    """Requests at once; the pool of a small account is 5 and is shared with every other integration."""
    retry_attempts: int = Field(default=12, ge=1)
    """Tries of one request. Where nothing answers at all, the other streams of the connection try once."""
    retry_seconds: float = Field(default=300.0, gt=0)
    """Longest time over which one request is tried."""
    overlap_minutes: int = Field(default=10, ge=1, le=24 * 60)
    """Re-read on every run; longer than the account's longest import or script."""
    control_totals: bool = True
    """Whether the account counts and sums its transactions with every read: one query that looks at all of them."""
    dispute_reason_field: str = Field(default="custbody_dispute_reason", pattern=r"^(cust[a-z0-9_]+)?$")
    """Transaction body field with a dispute's reason; "" when the account has none."""
    disputed_amount_field: str = Field(default="custbody_disputed_amount", pattern=r"^(cust[a-z0-9_]+)?$")
    """Transaction body field with the disputed amount; "" when the account has none."""
    webhook: WebhookOptions | None = None
    """What a user event script of the account signs with."""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in _zones():
            raise ValueError(f"{value!r} is no IANA time zone; for example America/Los_Angeles")
        return value

    @property
    def url(self) -> str:
        """Where the account's REST services are, without a trailing slash."""
        host = self.account.lower().replace("_", "-")
        return self.base_url.rstrip("/") or f"https://{host}.suitetalk.api.netsuite.com"

    @property
    def app_url(self) -> str:
        """Where people work in the account."""
        host = self.account.lower().replace("_", "-")
        return self.base_url.rstrip("/") or f"https://{host}.app.netsuite.com"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)
