"""A process that archives what stands in a store, and may be killed at a failpoint on the way.

python -m tests.contract.ops.archiver FOLDER DATABASE_URL FAILPOINTS
"""

from __future__ import annotations

import sys
from pathlib import Path

from arsync_pipelines.domain import failpoint
from arsync_pipelines.ops.archive.store import Before
from arsync_pipelines.ops.store import open_store
from tests.contract.ops.values import at

LATER = at(10**7)


def main(folder: Path, url: str, failpoints: str) -> None:
    failpoint.arm(failpoints)
    ops = open_store(folder / "ops.sqlite", url)
    ops.checkpoints.write(LATER)
    ops.archive.run(Before(at(1000), at(1000)), LATER)
    ops.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
