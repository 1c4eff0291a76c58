"""`python -m arsync_pipelines.cli`."""

from arsync_pipelines.cli import main

main()
