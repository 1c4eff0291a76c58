"""The GX suites of expectations/: loaded as data, run on frames, answered as plain check results.

GX is imported inside the function that runs it: its import takes seconds and nothing else here needs it.
"""
