"""Alerts: which conditions hold, how they are worded, and the channels that carry them to people."""

from arsync_pipelines.services.alerts.channels import Channel, EmailChannel, SlackChannel, WebhookChannel
from arsync_pipelines.services.alerts.conditions import Thresholds
from arsync_pipelines.services.alerts.service import AlertService

__all__ = ["AlertService", "Channel", "EmailChannel", "SlackChannel", "Thresholds", "WebhookChannel"]
