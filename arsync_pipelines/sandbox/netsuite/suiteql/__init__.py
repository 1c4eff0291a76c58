"""SuiteQL, executed for real: parsed as Oracle's dialect, lowered onto the stand-in's SQLite store, paged."""

from .engine import Page, SuiteQl

__all__ = ["Page", "SuiteQl"]
