"""Every error that arsync raises on purpose.

    ArsyncError
    |-- ConfigError            arsync.toml or the environment is wrong; nothing was started
    |-- SourceError            a source could not be read
    |   |-- SourceUnreachable      no connection, time-outs beyond the retry budget
    |   |-- SourceUnauthorised     credentials or permissions refused
    |   |-- SourceContractBroken   the source answered, but not what its spec promises
    |-- SinkError              a target system could not be written to as a whole (row outcomes are values, not errors)
    |-- WarehouseError         the warehouse refused: locked, corrupt, or a load that does not fit its spec
    |   |-- LoadRefused            rows of a batch do not fit their declared columns; nothing of it was stored
    |-- OpsStoreError          the operational store refused; nothing of the transaction was stored
    |   |-- StaleWrite             a newer version of the same record is already planned or sent
    |   |-- LeaseLost              who writes no longer holds the lease under which he claimed
    |-- WebhookRefused         what was posted to the gateway is not taken; nothing of it was stored
    |   |-- WebhookForged          no signature, or none that a secret of the connection gives
    |   |-- WebhookStale           signed by us or the source, but too long ago: a replay
    |   |-- WebhookUnreadable      the signature holds, but the body is not what the source sends
    |-- CheckFailed            a blocking check failed, nothing was published or pushed; or a proof does not hold

A message says what, where and what to do. Secrets never enter one.
"""


class ArsyncError(Exception):
    """Base of all errors raised on purpose; the CLI prints it without a traceback and exits with `exit_code`."""

    exit_code = 1


class ConfigError(ArsyncError):
    """arsync.toml or the environment is wrong; raised before anything starts."""

    exit_code = 2


class SourceError(ArsyncError):
    """A source could not be read; what was committed before stays, the cursor stands where the last load left it."""

    exit_code = 3


class SourceUnreachable(SourceError):
    """No connection, or only time-outs and 5xx beyond the retry budget."""


class SourceUnauthorised(SourceError):
    """The source refused our credentials or permissions; retrying will not help."""


class SourceContractBroken(SourceError):
    """The source answered something its spec excludes: an ignored filter, a page without news, a vanished column."""


class SinkError(ArsyncError):
    """A target system could not be written to as a whole; single rows fail as outcomes, not as errors."""

    exit_code = 4


class WarehouseError(ArsyncError):
    """The warehouse refused: locked, corrupt, or rows that do not fit their declared columns."""

    exit_code = 5


class LoadRefused(WarehouseError):
    """Rows of a batch do not fit what their stream declares; nothing of the batch was stored, the cursor stands."""


class CheckFailed(ArsyncError):
    """A blocking check failed: nothing published, nothing pushed, readers keep what they had. Or a proof fails."""

    exit_code = 6


class OpsStoreError(ArsyncError):
    """The operational store refused or cannot be opened; nothing of the transaction was stored."""

    exit_code = 7


class StaleWrite(OpsStoreError):
    """A newer version of the same record is already planned or sent; the older one must not take its place."""


class LeaseLost(OpsStoreError):
    """The lease of a worker has expired or was taken: it may neither write to the target nor settle what it claimed."""


class WebhookRefused(ArsyncError):
    """What was posted to the gateway is not taken; nothing of it was stored. Never holds a part of the request."""


class WebhookForged(WebhookRefused):
    """No signature, or none that a secret of the connection gives."""


class WebhookStale(WebhookRefused):
    """The signature holds, but it is older than the tolerance: somebody sends again what was seen before."""


class WebhookUnreadable(WebhookRefused):
    """The signature holds, but the body is not what the source sends."""
