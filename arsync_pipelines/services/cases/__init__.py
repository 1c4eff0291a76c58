"""Exception cases: what is wrong with pushes, findings, extracts and landed rows, and what people do about it."""

from arsync_pipelines.services.cases.service import CaseService, ReplayedCases

__all__ = ["CaseService", "ReplayedCases"]
