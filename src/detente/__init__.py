"""Détente: an open deconfliction exchange.

Parties that do not trust each other declare what they will do, are warned before they meet,
and share one record. `docs/architecture.md` says which room holds what.
"""

__version__ = "0.1.0"
