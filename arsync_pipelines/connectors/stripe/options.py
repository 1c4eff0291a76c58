"""What arsync.toml may say about a Stripe connection."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from arsync_pipelines.connectors.signing import WebhookOptions
from arsync_pipelines.domain.secret import SecretRef


class StripeOptions(BaseModel):
    """One Stripe account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretRef
    """Secret key, or better a restricted key (rk_...) that may only read the objects of the streams."""
    base_url: str = Field(default="https://api.stripe.com", pattern=r"^https?://")
    """Address of the API."""
    account: str = Field(default="", pattern=r"^(acct_\w+)?$")
    """Connected account to read (Stripe-Account), "" for the key's own."""
    concurrency: int = Field(default=4, ge=1, le=50)
    """Requests at once."""
    retry_attempts: int = Field(default=8, ge=1)
    """Tries of one request. Where nothing answers at all, the other streams of the connection try once."""
    retry_seconds: float = Field(default=180.0, gt=0)
    """Longest time over which one request is tried."""
    relist_days: int = Field(default=7, ge=1, le=365)
    """How often everything is listed anew, so that a change whose event was missed shows up all the same."""
    overlap_minutes: int = Field(default=10, ge=1, le=24 * 60)
    """How far before the newest known event or object a read starts."""
    webhook: WebhookOptions | None = None
    """The signing secrets of its webhook endpoint."""
