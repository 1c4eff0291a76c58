"""Channels that carry messages to people. An address or password is revealed at the moment of use and never told in an
error: a webhook's URL is a secret."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any, Literal, Protocol

import httpx

from arsync_pipelines.services.alerts import messages

log = logging.getLogger(__name__)

_TIMEOUT_S = 10


class NotTaken(Exception):
    """A channel did not take a message; the text says why, without secrets."""


class Channel(Protocol):
    """A way to people."""

    @property
    def name(self) -> str: ...

    def send(self, body: Mapping[str, Any]) -> None:
        """Deliver a message. Raises NotTaken, or ConfigError for a secret that cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """Posts JSON to a hook of any kind."""

    url: Callable[[], str]
    name: str = "webhook"

    def send(self, body: Mapping[str, Any]) -> None:
        _post(self.url(), messages.webhook(body))


@dataclass(frozen=True, slots=True)
class SlackChannel:
    """Posts to an incoming webhook of Slack."""

    url: Callable[[], str]
    name: str = "slack"

    def send(self, body: Mapping[str, Any]) -> None:
        _post(self.url(), messages.slack(body))


def _post(url: str, content: Mapping[str, Any]) -> None:
    try:
        response = httpx.post(url, json=dict(content), timeout=_TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotTaken(type(error).__name__) from None  # its text may hold the address
    if not response.is_success:
        raise NotTaken(f"HTTP {response.status_code}")


@dataclass(frozen=True, slots=True)
class EmailChannel:
    """Sends plain mail. `password` None: without a login."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    password: Callable[[], str] | None = None
    name: str = "email"

    def send(self, body: Mapping[str, Any]) -> None:
        message = EmailMessage()
        message["Subject"], text = messages.mail(body)
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2] or None)
        message.set_content(text)
        password = self.password() if self.password is not None else ""
        try:
            with closing(self._connect()) as smtp:
                if self.security == "starttls":
                    smtp.starttls(context=ssl.create_default_context())
                if password:
                    smtp.login(self.user, password)
                for recipient in smtp.send_message(message):
                    log.error("alert channel %s: the server does not take mail for %s", self.name, recipient)
                with suppress(smtplib.SMTPException, OSError):  # the mail is taken, whatever the farewell
                    smtp.quit()
        except smtplib.SMTPResponseException as error:
            raise NotTaken(f"{type(error).__name__} {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise NotTaken(type(error).__name__) from None

    def _connect(self) -> smtplib.SMTP:
        if self.security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_TIMEOUT_S, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_S)
