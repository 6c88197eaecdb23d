"""Room: client."""
