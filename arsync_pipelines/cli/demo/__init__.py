"""`arsync demo`: sandboxes, configuration, the main job, its proof, and a summary; then the world lives on."""

from arsync_pipelines.cli.demo.command import demo

__all__ = ["demo"]
