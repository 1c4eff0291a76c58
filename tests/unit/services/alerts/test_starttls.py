"""STARTTLS for real: the server's certificate is looked at, and nothing is said in clear but the request for TLS."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from arsync_pipelines.services.alerts import EmailChannel
from arsync_pipelines.services.alerts.channels import NotTaken
from tests.unit.services.alerts.test_channels import BODY


@dataclass
class TlsServer:
    """A mail server that demands STARTTLS; what it heard in clear and what after."""

    certificate: Path
    port: int = 0
    clear: list[str] = field(default_factory=list)
    secret: list[str] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)


def certificate(folder: Path) -> Path:
    """A certificate of our own for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    path.write_bytes(
        built.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    made = TlsServer(certificate(tmp_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate)
    listening = socket.create_server(("127.0.0.1", 0))
    made.port = listening.getsockname()[1]

    def talk(client: socket.socket, heard: list[str], *, secure: bool) -> bool:
        """Answer until QUIT; True when TLS was asked for."""
        with client.makefile("rb") as lines:
            while line := lines.readline():
                command = line.decode().strip()
                heard.append(command)
                verb = command[:4].upper()
                if verb == "EHLO":
                    client.sendall(b"250-mail\r\n250 AUTH PLAIN\r\n" if secure else b"250-mail\r\n250 STARTTLS\r\n")
                elif verb == "STAR":
                    client.sendall(b"220 go on\r\n")
                    return True
                elif verb == "AUTH":
                    client.sendall(b"235 well\r\n")
                elif verb == "DATA":
                    client.sendall(b"354 go on\r\n")
                    made.mails.append(b"".join(iter(lines.readline, b".\r\n")).decode())
                    client.sendall(b"250 taken\r\n")
                elif verb == "QUIT":
                    client.sendall(b"221 bye\r\n")
                    return False
                else:
                    client.sendall(b"250 well\r\n")
        return False

    def accept() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client:
                client.sendall(b"220 mail\r\n")
                if talk(client, made.clear, secure=False):
                    try:
                        with context.wrap_socket(client, server_side=True) as wrapped:
                            talk(wrapped, made.secret, secure=True)
                    except OSError:  # the other side did not like our certificate
                        continue

    serving = threading.Thread(target=accept, daemon=True)
    serving.start()
    yield made
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    serving.join(5)


def channel(server: TlsServer, host: str = "127.0.0.1") -> EmailChannel:
    return EmailChannel(
        host, server.port, "starttls", "arsync@example.com", ("ar@example.com",), "arsync", lambda: "hunter2"
    )


def test_login_and_mail_go_over_tls_with_a_certificate_that_is_trusted(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    channel(server).send(BODY)
    assert [command.split()[0].upper() for command in server.clear] == ["EHLO", "STARTTLS"]
    assert any(command.startswith("AUTH PLAIN") for command in server.secret)
    assert len(server.mails) == 1 and "rejected" in server.mails[0]


def test_a_certificate_that_nobody_vouches_for_gets_neither_password_nor_mail(server: TlsServer) -> None:
    with pytest.raises(NotTaken, match="SSLCertVerificationError"):
        channel(server).send(BODY)
    assert server.secret == [] and server.mails == []
    assert not any("AUTH" in command for command in server.clear)


def test_a_certificate_of_another_host_gets_neither_password_nor_mail(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    with pytest.raises(NotTaken, match="SSLCertVerificationError"):
        channel(server, "localhost").send(BODY)
    assert server.secret == [] and server.mails == []
