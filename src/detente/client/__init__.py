"""Speak to an exchange from Python: ``Client`` in ordinary code, ``AsyncClient`` in asyncio.

Refusals come back as the classes of ``detente.errors``; a conflict carries what is in the way and the ways
out.
"""

from detente.client.call import Call
from detente.client.client import AsyncClient, Client
from detente.client.conversation import Retries
from detente.client.events import StreamEvent
from detente.client.refusals import ConflictsFound

__all__ = ["AsyncClient", "Call", "Client", "ConflictsFound", "Retries", "StreamEvent"]
