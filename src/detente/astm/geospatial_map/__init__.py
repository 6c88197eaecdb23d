"""InterUSS' interface through which a test harness asks what a map of zones shows: its messages."""
