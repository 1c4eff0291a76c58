"""Channels against real local servers: what they post, what they never tell, and what is no answer."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from arsync_pipelines.services.alerts import EmailChannel, SlackChannel, WebhookChannel
from arsync_pipelines.services.alerts.channels import NotTaken

ONE = {"title": "3 rows of crm.invoice rejected: DUP <x>", "text": "no & why", "count": 3, "run_id": "r1",
       "opened_at": "2026-01-01T00:00:00+00:00"}  # fmt: skip
BODY: dict[str, Any] = {
    "kind": "rejected_rows", "worst": [ONE], "told": 1, "standing": 1, "recovered": [],
    "at": "2026-01-01T00:00:00+00:00",
}  # fmt: skip
MANY = BODY | {"worst": [ONE, ONE | {"title": "other"}], "told": 7, "standing": 9, "recovered": ["old one"]}
OVER = BODY | {"worst": [], "told": 0, "standing": 0, "recovered": ["old one"]}


@dataclass
class Hook:
    """A web server that keeps what was posted."""

    url: str = ""
    status: int = 200
    posted: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(made.status)
            self.end_headers()

        def log_message(self, format: str, *_arguments: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}/s3cret"
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield made
        server.shutdown()
        serving.join()


@dataclass
class MailServer:
    """A mail server that says what `answers` has for a command, else that all is well."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    made = MailServer()

    def serve(client: socket.socket) -> None:
        with client, client.makefile("rb") as lines:
            client.sendall(b"220 hello\r\n")
            for line in lines:
                made.commands.append(line.decode().strip())
                verb = line[:4].decode().upper()
                if verb in made.answers:
                    client.sendall(made.answers[verb].encode() + b"\r\n")
                elif verb == "DATA":
                    client.sendall(b"354 go on\r\n")
                    made.mails.append(b"".join(iter(lines.readline, b".\r\n")))
                    client.sendall(b"250 taken\r\n")
                elif verb == "EHLO":
                    client.sendall(b"250-hello\r\n250 AUTH PLAIN\r\n")
                elif verb == "QUIT":
                    client.sendall(b"221 bye\r\n")
                else:
                    client.sendall(b"235 well\r\n" if verb == "AUTH" else b"250 well\r\n")
                if verb == "QUIT":
                    return

    listening = socket.create_server(("127.0.0.1", 0))
    made.port = listening.getsockname()[1]

    def accept() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            serve(client)

    serving = threading.Thread(target=accept)
    serving.start()
    yield made
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    serving.join()


def mail_to(server: MailServer, **more: Any) -> EmailChannel:
    given: dict[str, Any] = {"security": "none", "sender": "arsync@example.com"} | more
    return EmailChannel("127.0.0.1", server.port, recipients=("ar@example.com", "cfo@example.com"), **given)


def test_a_hook_gets_all_there_is_to_know(hook: Hook) -> None:
    WebhookChannel(lambda: hook.url).send(BODY)
    (posted,) = hook.posted
    assert (posted["source"], posted["kind"], posted["title"]) == ("arsync", "rejected_rows", ONE["title"])
    assert (posted["text"], posted["run_id"], posted["count"], posted["worst"]) == ("no & why", "r1", 1, [ONE])


def test_several_alerts_are_one_message_with_counts_the_worst_and_what_is_over(hook: Hook) -> None:
    WebhookChannel(lambda: hook.url).send(MANY)
    (posted,) = hook.posted
    assert posted["title"] == "7 kinds of rows are rejected"
    assert posted["text"].splitlines() == [
        f"{ONE['title']}: no & why", "other: no & why", "and 5 more", "Over: old one",
        "2 more told of before still hold.",
    ]  # fmt: skip


def test_slack_gets_text_and_blocks_and_no_markup_of_others(hook: Hook) -> None:
    SlackChannel(lambda: hook.url).send(BODY)
    (posted,) = hook.posted
    assert posted["text"] == "3 rows of crm.invoice rejected: DUP &lt;x&gt;"
    header, section, context = posted["blocks"]
    assert (header["type"], header["text"]["type"]) == ("header", "plain_text")
    assert section["text"] == {"type": "mrkdwn", "text": "• no &amp; why"}
    assert context["elements"][0]["text"] == "arsync, rejected rows, 2026-01-01 00:00 UTC"


def test_slack_refuses_long_texts_so_they_are_cut(hook: Hook) -> None:
    long = BODY | {"worst": [ONE | {"title": "t" * 500, "text": "x" * 9000}]}
    SlackChannel(lambda: hook.url).send(long)
    header, section, _ = hook.posted[0]["blocks"]
    assert len(header["text"]["text"]) <= 150 and len(section["text"]["text"]) <= 3000


def test_a_recovery_says_what_is_over(hook: Hook) -> None:
    SlackChannel(lambda: hook.url).send(OVER)
    assert hook.posted[0]["text"] == "Over: old one"
    assert [block["type"] for block in hook.posted[0]["blocks"]] == ["header", "context"]


@pytest.mark.parametrize("status", [403, 500, 302])
def test_a_hook_that_refuses_has_not_taken_it_and_its_address_stays_secret(hook: Hook, status: int) -> None:
    hook.status = status
    with pytest.raises(NotTaken, match=f"^HTTP {status}$"):
        WebhookChannel(lambda: hook.url).send(BODY)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/s3cret", "s3cret", "http://[s3cret"])
def test_a_hook_that_is_not_there_has_not_taken_it_and_its_address_stays_secret(url: str) -> None:
    with pytest.raises(NotTaken) as refused:
        WebhookChannel(lambda: url).send(BODY)
    assert "s3cret" not in f"{refused.value} {refused.value.__cause__}"


def test_a_mail_is_plain_text_to_all_recipients(mail_server: MailServer) -> None:
    mail_to(mail_server).send(MANY)
    (raw,) = mail_server.mails
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["Subject"] == "[arsync] 7 kinds of rows are rejected"
    assert (mail["From"], mail["To"]) == ("arsync@example.com", "ar@example.com, cfo@example.com")
    assert mail["Date"] and mail["Message-ID"]
    content = mail.get_content()
    assert "other: no & why" in content and "run r1" in content
    assert [c for c in mail_server.commands if c.startswith("rcpt")] == [
        "rcpt TO:<ar@example.com>", "rcpt TO:<cfo@example.com>",
    ]  # fmt: skip


def test_a_line_break_in_a_title_makes_no_header(mail_server: MailServer) -> None:
    mail_to(mail_server).send(BODY | {"worst": [ONE | {"title": "a\nBcc: x@example.com"}]})
    mail = email.message_from_bytes(mail_server.mails[0], policy=email.policy.default)
    assert mail["Bcc"] is None and mail["Subject"] == "[arsync] a Bcc: x@example.com"


def test_a_login_is_made_where_there_is_a_password(mail_server: MailServer) -> None:
    mail_to(mail_server, user="arsync", password=lambda: "hunter2").send(BODY)
    assert any(command.startswith("AUTH PLAIN") for command in mail_server.commands)
    assert len(mail_server.mails) == 1


def test_a_server_without_starttls_never_sees_the_password(mail_server: MailServer) -> None:
    with pytest.raises(NotTaken, match="SMTPNotSupportedError"):
        mail_to(mail_server, security="starttls", user="arsync", password=lambda: "hunter2").send(BODY)
    assert not any(command.startswith("AUTH") for command in mail_server.commands)
    assert mail_server.mails == []


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"AUTH": "535 arsync hunter2 is wrong"}, "SMTPAuthenticationError 535"),
        ({"MAIL": "451 later"}, "SMTPSenderRefused 451"),
        ({"RCPT": "550 nobody"}, "SMTPRecipientsRefused"),
        ({"DATA": "554 spam"}, "SMTPDataError 554"),
    ],
)
def test_a_server_that_refuses_has_not_taken_it(mail_server: MailServer, answers: dict[str, str], told: str) -> None:
    mail_server.answers = answers
    with pytest.raises(NotTaken, match=f"^{told}$"):
        mail_to(mail_server, user="arsync", password=lambda: "hunter2").send(BODY)


def test_a_mail_is_taken_however_the_server_parts(mail_server: MailServer) -> None:
    mail_server.answers = {"QUIT": "451 stay"}
    mail_to(mail_server).send(BODY)
    assert len(mail_server.mails) == 1


def test_a_server_that_is_not_there_has_not_taken_it() -> None:
    with pytest.raises(NotTaken, match="ConnectionRefusedError"):
        EmailChannel("127.0.0.1", 1, "tls", "a@b.c", ("d@e.f",)).send(BODY)
