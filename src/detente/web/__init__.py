"""The HTTP edge: routes in, ASGI application out.

Decides what may come in and how a refusal is told (RFC 9457).
Holds no rule of the domain and touches no database; the web framework is used here and nowhere else.
"""

from detente.web.edge import make_app
from detente.web.limits import Limits
from detente.web.metrics import Metrics
from detente.web.model import (
    Authenticator,
    Principal,
    QueryField,
    RefusalForm,
    Reply,
    Request,
    Route,
)
from detente.web.service_routes import Readiness

__all__ = [
    "Authenticator",
    "Limits",
    "Metrics",
    "Principal",
    "QueryField",
    "Readiness",
    "RefusalForm",
    "Reply",
    "Request",
    "Route",
    "make_app",
]
