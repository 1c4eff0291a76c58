"""What every vendor's stand-in is built with: its folder, the clock, the journal, the faults and the secrets."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from .clock import VirtualClock
from .faults import Faults
from .journal import Journal


@dataclass
class SandboxContext:
    """Shared by all vendors of one process. A vendor keeps its store in `state_dir/<vendor>.db`.

    `base_urls` holds each vendor's own `http://127.0.0.1:<port>` (by vendor name) once the ports are known, which is
    before the first request is served; read it when handling a request, not in `build`.
    """

    state_dir: Path
    clock: VirtualClock
    journal: Journal
    faults: Faults
    seed: int
    base_urls: dict[str, str]

    @classmethod
    def open(cls, state_dir: Path, seed: int) -> SandboxContext:
        """Opens or creates the shared state under `state_dir`."""
        state_dir.mkdir(parents=True, exist_ok=True)
        return cls(
            state_dir=state_dir,
            clock=VirtualClock(state_dir / "clock.json"),
            journal=Journal(state_dir / "journal.db"),
            faults=Faults(seed),
            seed=seed,
            base_urls={},
        )

    @property
    def secrets_dir(self) -> Path:
        return self.state_dir / "secrets"

    def secret(self, name: str) -> str:
        """A random 40-character token, made at first use and the same ever after; kept in secrets/<name> (0600)."""
        path = self._secret_path(name)
        if not path.exists():
            _write_private(path, secrets.token_hex(20).encode())
        return path.read_text().strip()

    def key_pair(self, name: str, kind: Literal["rsa", "ec"]) -> tuple[Path, Path]:
        """PEM files (private PKCS#8 without password, public) of an RSA-3072 or P-256 key, made at first use."""
        private, public = self._secret_path(f"{name}.private.pem"), self._secret_path(f"{name}.public.pem")
        if not (private.exists() and public.exists()):
            key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
            key = rsa.generate_private_key(65537, 3072) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
            encoded = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            _write_private(private, encoded)
            spki = serialization.PublicFormat.SubjectPublicKeyInfo
            _write_private(public, key.public_key().public_bytes(serialization.Encoding.PEM, spki))
        return private, public

    def _secret_path(self, name: str) -> Path:
        if not name or "/" in name or name.startswith("."):
            raise ValueError(f"secret name {name!r} must be a plain file name")
        self.secrets_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.secrets_dir / name


def _write_private(path: Path, content: bytes) -> None:
    """Writes 0600 from the first byte on, and whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    temporary.replace(path)
