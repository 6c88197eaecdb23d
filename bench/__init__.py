"""Benchmarks: each command prints a table. Figures, with machine and date, are in docs/performance.md."""
