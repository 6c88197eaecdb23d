"""InterUSS' interface through which a test harness plans flights as a user would: its messages."""
