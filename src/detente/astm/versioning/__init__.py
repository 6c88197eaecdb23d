"""InterUSS' interface through which a test harness asks which version runs: its messages."""
