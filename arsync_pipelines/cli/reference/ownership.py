"""Page of the source-of-truth matrix: which side owns which fields."""

from __future__ import annotations

from arsync_pipelines.cli.reference.markdown import code, table
from arsync_pipelines.cli.reference.markdown import page as make_page
from arsync_pipelines.domain.ownership import MATRIX


def page() -> str:
    """ownership.md"""
    rows = [(g.name, g.owner, g.flow, g.timing, ", ".join(code(field) for field in sorted(g.fields))) for g in MATRIX]
    return make_page(
        "Who owns what",
        "The CRM is where people work with customers; the ERP is the record of receivables. A side that does not own a "
        "field does not overwrite it. Fields are canonical names; what a CRM calls them is its mapping.",
        table(("field group", "owner", "flow", "timing", "fields arsync knows"), rows),
    )
