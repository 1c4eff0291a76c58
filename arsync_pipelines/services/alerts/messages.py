"""What a message says, from its stored body: the headline, the text, and the shapes that channels want."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arsync_pipelines.domain.alerts import HEADLINES, AlertKind

_SLACK_TEXT = 2900
"""Slack refuses a section of more than 3,000 characters. Source: Block Kit reference."""


def title(body: Mapping[str, Any]) -> str:
    """One line: the alert itself where it is alone, else how many of which kind; or what is over."""
    if body["told"] == 1 and body["worst"]:
        return str(body["worst"][0]["title"])
    if body["told"]:
        return f"{body['told']} {HEADLINES[AlertKind(body['kind'])]}"
    over = body["recovered"]
    return f"Over: {over[0]}" if len(over) == 1 else f"Over: {len(over)} alerts ({_kind(body)})"


def lines(body: Mapping[str, Any]) -> list[str]:
    """The text, a line for each alert and for what is over."""
    alone = body["told"] == 1
    found = [one["text"] if alone else f"{one['title']}: {one['text']}" for one in body["worst"]]
    if (more := body["told"] - len(body["worst"])) > 0:
        found.append(f"and {more} more")
    if body["told"] or len(body["recovered"]) > 1:
        found += [f"Over: {name}" for name in body["recovered"]]
    if (still := body["standing"] - body["told"]) > 0:
        found.append(f"{still} more told of before still hold." if body["told"] else f"{still} of its kind still hold.")
    return [line for line in found if line]


def webhook(body: Mapping[str, Any]) -> dict[str, Any]:
    """For a hook that takes any JSON."""
    runs = [one["run_id"] for one in body["worst"] if one["run_id"]]
    return {
        "source": "arsync",
        "kind": body["kind"],
        "title": title(body),
        "text": "\n".join(lines(body)),
        "run_id": runs[0] if runs else "",
        "count": body["told"],
        "standing": body["standing"],
        "worst": body["worst"],
        "recovered": body["recovered"],
        "at": body["at"],
    }


def slack(body: Mapping[str, Any]) -> dict[str, Any]:
    """For an incoming webhook of Slack, or of what speaks like it."""
    head = title(body)
    text = "\n".join(f"• {_escaped(line)}" for line in lines(body))[:_SLACK_TEXT]
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": head[:150]}}]
    if text:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text}})
    context = [{"type": "mrkdwn", "text": f"arsync, {_kind(body)}, {str(body['at'])[:16].replace('T', ' ')} UTC"}]
    blocks.append({"type": "context", "elements": context})
    return {"text": _escaped(head), "blocks": blocks}


def mail(body: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and plain text."""
    runs = "\n".join(f"run {one['run_id']}" for one in body["worst"] if one["run_id"])
    text = "\n\n".join(
        filter(None, ["\n".join(lines(body)) or title(body), runs, f"arsync, {_kind(body)}, {body['at']}"])
    )
    return f"[arsync] {title(body)}"[:200].replace("\n", " ").replace("\r", " "), text + "\n"


def _kind(body: Mapping[str, Any]) -> str:
    return str(body["kind"]).replace("_", " ")


def _escaped(text: str) -> str:
    """The three characters that Slack gives a meaning."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
