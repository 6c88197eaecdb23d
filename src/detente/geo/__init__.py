"""Room: geo."""
