"""The `arsync` command: what people type. It starts use cases and prints; it decides nothing about receivables."""

from arsync_pipelines.cli.app import main

__all__ = ["main"]
