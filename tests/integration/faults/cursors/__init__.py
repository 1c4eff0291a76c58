"""Stories that lose rows to careless cursors, told by one server to every contender: what each has at the end."""

from __future__ import annotations
