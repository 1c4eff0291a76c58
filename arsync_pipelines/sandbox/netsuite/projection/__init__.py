"""The world's records turned into the account's tables."""

from .project import project

__all__ = ["project"]
