"""One file per revision, v<number>_<what>.py. They name tables themselves: what `ops.tables` says may have moved on."""
