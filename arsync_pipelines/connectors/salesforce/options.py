"""What arsync.toml may say about a Salesforce connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    StringConstraints,
    TypeAdapter,
    field_validator,
    model_validator,
)

from arsync_pipelines.connectors.salesforce.fields import DEFAULT_NAMES, OBJECTS
from arsync_pipelines.connectors.signing import WebhookOptions
from arsync_pipelines.domain.secret import SecretRef

ApiName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=80)]
_URL: TypeAdapter[HttpUrl] = TypeAdapter(HttpUrl)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClientCredentials(_Table):
    """A connected app that runs as its configured user; works on the org's My Domain host only."""

    method: Literal["client_credentials"]
    client_id: SecretRef
    """Consumer key of the connected app."""
    client_secret: SecretRef
    """Consumer secret of the connected app."""


class JwtBearer(_Table):
    """A connected app with an uploaded certificate; `private_key` is its PEM, `audience` defaults to the login host."""

    method: Literal["jwt"]
    client_id: SecretRef
    """Consumer key of the connected app."""
    username: str = Field(min_length=1)
    """The user to act as."""
    private_key: SecretRef
    """PEM of the key whose certificate the app holds."""
    audience: str = ""
    """Audience of the assertion; default the login host."""


class RefreshToken(_Table):
    """A refresh token obtained once by a person's consent."""

    method: Literal["refresh_token"]
    client_id: SecretRef
    """Consumer key of the connected app."""
    refresh_token: SecretRef
    """The token."""
    client_secret: SecretRef | None = None
    """Consumer secret, where the app requires one."""


Auth = Annotated[ClientCredentials | JwtBearer | RefreshToken, Field(discriminator="method")]


class Mapping_(_Table):
    """API names where they differ from the defaults: objects by canonical name, fields by canonical name per object."""

    objects: dict[Literal["account_balance", "invoice"], ApiName] = Field(default_factory=dict)
    """Canonical object = API name of the custom object."""
    account: dict[str, ApiName] = Field(default_factory=dict)
    """Canonical field = API name, of accounts."""
    account_balance: dict[str, ApiName] = Field(default_factory=dict)
    """Canonical field = API name, of balance records."""
    invoice: dict[str, ApiName] = Field(default_factory=dict)
    """Canonical field = API name, of invoice records."""

    @field_validator("account", "account_balance", "invoice")
    @classmethod
    def _known(cls, value: dict[str, str], info: object) -> dict[str, str]:
        known = DEFAULT_NAMES[str(getattr(info, "field_name", ""))]
        if unknown := sorted(set(value) - set(known)):
            raise ValueError(f"unknown AR field {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        return value

    def object_name(self, object_name: str) -> str:
        """API name of a canonical object."""
        given: Mapping[str, str] = {str(name): api for name, api in self.objects.items()}
        return given.get(object_name) or OBJECTS[object_name]

    def names(self, object_name: str) -> Mapping[str, str]:
        """Canonical field -> API name of a canonical object."""
        given: Mapping[str, str] = getattr(self, object_name)
        return {**DEFAULT_NAMES[object_name], **given}


class SalesforceWebhookOptions(WebhookOptions):
    """What the org posts to `arsync gateway` under /webhooks/<name>: signed change events, or outbound messages."""

    secrets: tuple[SecretRef, ...] = ()
    """Secrets that change events are signed with, any of which may have signed."""
    outbound_tokens: tuple[SecretRef, ...] = ()
    """Tokens that outbound messages may carry in their address as `?token=`; the platform does not sign them."""
    organization_id: str = Field(default="", pattern=r"^(00D[A-Za-z0-9]{15})?$")
    """The org's id (18 characters), which outbound messages must name."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.secrets and not self.outbound_tokens:
            raise ValueError("webhook needs secrets, or outbound_tokens with organization_id")
        if bool(self.outbound_tokens) != bool(self.organization_id):
            raise ValueError("webhook.outbound_tokens goes with webhook.organization_id")
        return self


class SalesforceOptions(_Table):
    """One Salesforce org."""

    base_url: str
    """My Domain address, e.g. https://acme.my.salesforce.com"""
    auth: Auth
    login_url: str = ""
    """Where tokens come from; default base_url. https://login.salesforce.com or https://test.salesforce.com for jwt."""
    api_version: str = Field(default="66.0", pattern=r"^[1-9][0-9]\.0$")
    """Version of the REST and Bulk API; 46.0 is the oldest that serves."""
    mapping: Mapping_ = Mapping_()
    field_history: Literal["own", "all", "off"] = "own"
    """Of what `arsync init` has the org keep field history, so that drift names who wrote over each field: of our own
    objects, of our fields of Account too, or of nothing."""
    multi_currency: bool = False
    """The org has several currencies switched on, so records carry CurrencyIsoCode."""
    page_size: int = Field(default=2000, ge=200, le=2000)
    """Records of one query page."""
    concurrency: int = Field(default=4, ge=1, le=25)
    """Requests at once; an org runs at most 25 long ones."""
    connect_timeout_s: float = Field(default=10.0, gt=0)
    """Longest wait for a connection."""
    read_timeout_s: float = Field(default=120.0, gt=0)
    """Longest wait for an answer."""
    retry_attempts: int = Field(default=8, ge=1)
    """Tries of one request."""
    retry_seconds: float = Field(default=180.0, gt=0)
    """Longest time over which one request is tried."""
    overlap_minutes: int = Field(default=10, ge=1, le=24 * 60)
    """Re-read on every run; longer than the org's longest transaction."""
    bulk_read_rows: int = Field(default=200_000, ge=0)
    """First reads of more rows than this go through Bulk API 2.0; 0 never."""
    bulk_write_rows: int = Field(default=2000, ge=200)
    """Writes of more rows of one object than this go through Bulk API 2.0."""
    batch_rows: int = Field(default=50_000, ge=200)
    """Most rows of one write."""
    bulk_timeout_s: float = Field(default=1800.0, gt=0)
    """Longest wait for a bulk job."""
    webhook: SalesforceWebhookOptions | None = None
    """How its calls are recognised."""

    @field_validator("base_url", "login_url")
    @classmethod
    def _url(cls, value: str) -> str:
        if value:
            _URL.validate_python(value)
        return value.rstrip("/")

    @property
    def token_url(self) -> str:
        """OAuth 2.0 token endpoint."""
        return f"{self.login_url or self.base_url}/services/oauth2/token"

    @property
    def data_path(self) -> str:
        """Path that all data calls start with."""
        return f"/services/data/v{self.api_version}"
