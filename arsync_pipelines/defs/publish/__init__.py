"""The checked state -> a read-only snapshot for every reader."""
