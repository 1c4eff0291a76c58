"""Jobs over everything, their schedules, and what happens when a run fails."""
