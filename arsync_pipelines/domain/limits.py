"""How many requests a connection takes, and when it takes none: pure arithmetic over one state that all who send share.

rate      a token bucket: in no window of `per_s` more than `requests` leave, however they are spread
vendor    a silence the vendor asked for (Retry-After) is kept by all
quota     requests of a day (UTC): ours against `daily_requests`, the vendor's own count against what it told; a
          share of either is kept back for urgent work
circuit   after `failures` failures of the infrastructure one after the other nobody sends; then one probes, and an
          answer opens the way again, while a failure doubles the silence
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

Why = Literal["rate", "vendor", "quota", "circuit"]

_TOLD_FOR = timedelta(minutes=15)
"""How long the vendor's own count is believed: only an answer could tell a newer one."""
_WHOLE_BUCKET = 20
"""From so many requests on, a twentieth of them may leave at once."""


@dataclass(frozen=True, slots=True)
class LimitRules:
    """What is known of a connection beforehand. None: no such limit, other than what the vendor tells."""

    requests: int | None = None
    per_s: float = 60.0
    daily_requests: int | None = None
    reserve: float = 0.1
    failures: int = 5
    open_s: float = 30.0
    longest_open_s: float = 900.0

    @property
    def burst(self) -> float:
        """Requests that may leave at once; with `refill` never more than `requests` in any window."""
        return max(1.0, (self.requests or 0) // _WHOLE_BUCKET)

    @property
    def refill(self) -> float:
        """Requests per second."""
        return ((self.requests or 0) - self.burst + (1 if self.burst == 1 else 0)) / self.per_s

    @property
    def counts(self) -> bool:
        """Whether each request must be counted, not only what goes wrong."""
        return self.requests is not None or self.daily_requests is not None


@dataclass(frozen=True, slots=True)
class Quota:
    """The vendor's own count of a day: `used` of `limit` requests, of all that use the account."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request: `status` 0 when no answer came, `retry_after` in seconds as the vendor told it."""

    status: int
    retry_after: float | None = None
    quota: Quota | None = None

    @property
    def failed(self) -> bool:
        """No answer, or one of a server that is not well. A vendor that tells us to slow down works."""
        return self.status == 0 or (self.status >= 500 and self.retry_after is None)


@dataclass(frozen=True, slots=True)
class LimitState:
    """What all who send to a connection share. A circuit that is not closed has `openings`, and nobody sends before
    `open_until`; while one is `probing`, that is when he is given up."""

    tokens: float
    refilled_at: datetime
    not_before: datetime | None = None
    day: str = ""
    used: int = 0
    told_used: int | None = None
    told_limit: int | None = None
    told_at: datetime | None = None
    failures: int = 0
    openings: int = 0
    open_until: datetime | None = None
    probing: bool = False


@dataclass(frozen=True, slots=True)
class Permit:
    """`until` None: send now. Else nobody may send before, because of `why`; nothing was counted."""

    until: datetime | None = None
    why: Why | None = None


GO = Permit()


def first_state(rules: LimitRules, now: datetime) -> LimitState:
    """Of a connection that nobody has sent to."""
    return LimitState(rules.burst, now, day=_day(now))


def look(state: LimitState, rules: LimitRules, now: datetime, urgent: bool = False) -> Permit:
    """Whether a request may leave now; counts nothing."""
    state = _refilled(state, rules, now)
    if state.open_until is not None and now < state.open_until:
        return Permit(state.open_until, "circuit")
    if state.not_before is not None and now < state.not_before:
        return Permit(state.not_before, "vendor")
    if (until := _quota_until(state, rules, now, urgent)) is not None:
        return Permit(until, "quota")
    if rules.requests is not None and state.tokens < 1:
        return Permit(_next_token(state, rules, now), "rate")
    return GO


def ask(
    state: LimitState, rules: LimitRules, now: datetime, urgent: bool = False, request_s: float = 60.0
) -> tuple[LimitState, Permit]:
    """Take the permit for one request. Who is let through a circuit that was open probes alone for `request_s`."""
    permit = look(state, rules, now, urgent)
    if permit.until is not None:
        return state, permit
    state = _refilled(state, rules, now)
    state = replace(state, tokens=max(0.0, state.tokens - 1), used=state.used + 1)
    if state.openings:
        state = replace(state, probing=True, open_until=now + timedelta(seconds=request_s))
    return state, GO


def reserve(state: LimitState, rules: LimitRules, now: datetime, number: int) -> tuple[LimitState, int, Permit]:
    """Take permits for up to `number` requests that read, fewer where fewer are left; 0 and why when none is.

    Reads keep the rate, the vendor's silence and our own day's requests, of which they leave what is kept back for
    urgent work. They neither ask nor feed the circuit: their client has a patience of its own.
    """
    state = _refilled(state, rules, now)
    if state.not_before is not None and now < state.not_before:
        return state, 0, Permit(state.not_before, "vendor")
    if rules.daily_requests is not None:
        number = min(number, int(rules.daily_requests * (1.0 - rules.reserve)) - state.used)
        if number <= 0:
            return state, 0, Permit(_tomorrow(now), "quota")
    if rules.requests is not None:
        if state.tokens < 1:
            return state, 0, Permit(_next_token(state, rules, now), "rate")
        number = min(number, int(state.tokens))
    return replace(state, tokens=max(0.0, state.tokens - number), used=state.used + number), number, GO


def given_back(state: LimitState, now: datetime, number: int) -> LimitState:
    """The state after permits of `reserve` were not used. The rate's tokens are gone: they were of their moment."""
    return replace(state, used=max(0, state.used - number)) if state.day == _day(now) else state


def told(state: LimitState, rules: LimitRules, answer: Answer, now: datetime) -> LimitState:
    """The state after an answer, or the lack of one."""
    if answer.quota is not None:
        state = replace(state, told_used=answer.quota.used, told_limit=answer.quota.limit, told_at=now)
    if answer.retry_after is not None:
        until = now + timedelta(seconds=answer.retry_after)
        state = replace(state, not_before=max(until, state.not_before or until))
    elif answer.status == 429:
        state = replace(_refilled(state, rules, now), tokens=0.0)
    if not answer.failed:
        return replace(state, failures=0, openings=0, open_until=None, probing=False)
    if state.openings and not state.probing:
        return state  # of a request that left before the circuit opened
    if not state.openings and state.failures + 1 < rules.failures:
        return replace(state, failures=state.failures + 1)
    until = now + timedelta(seconds=min(rules.longest_open_s, rules.open_s * 2**state.openings))
    return replace(state, failures=0, openings=state.openings + 1, open_until=until, probing=False)


def _refilled(state: LimitState, rules: LimitRules, now: datetime) -> LimitState:
    if (day := _day(now)) != state.day:
        state = replace(state, day=day, used=0)
    if rules.requests is None or now <= state.refilled_at:
        return state
    grown = state.tokens + (now - state.refilled_at).total_seconds() * rules.refill
    return replace(state, tokens=min(rules.burst, grown), refilled_at=now)


def _quota_until(state: LimitState, rules: LimitRules, now: datetime, urgent: bool) -> datetime | None:
    share = 1.0 if urgent else 1.0 - rules.reserve
    if rules.daily_requests is not None and state.used >= int(rules.daily_requests * share):
        return _tomorrow(now)
    if state.told_used is None or state.told_limit is None or state.told_at is None:
        return None
    until = state.told_at + _TOLD_FOR
    return until if state.told_used >= int(state.told_limit * share) and now < until else None


def _tomorrow(now: datetime) -> datetime:
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)


def _next_token(state: LimitState, rules: LimitRules, now: datetime) -> datetime:
    # a microsecond more, as the instant is cut to one
    return now + timedelta(seconds=(1 - state.tokens) / rules.refill, microseconds=1)


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()
