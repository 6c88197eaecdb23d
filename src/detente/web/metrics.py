"""What the edge counts, for Prometheus. Labels come from the route list, never from a request.

Several processes share one count through prometheus-client's multiprocess mode: the runner sets
``PROMETHEUS_MULTIPROC_DIR`` before the workers start, each worker writes its own files there, and whichever
worker answers ``/metrics`` adds them all up.
"""

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
UNMATCHED = "unmatched"
"""The route label of a request that no route took: its path stays out of the labels."""
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """Counts requests, their time, those in flight, and problems; other rooms add to ``registry``."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "detente_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "detente_http_request_seconds",
            "Time from the end of the headers to the end of the answer.",
            ("method", "route"),
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._problems = Counter(
            "detente_http_problems", "Problem documents sent.", ("problem",), registry=self.registry
        )
        self._in_flight = Gauge(
            "detente_http_in_flight",
            "Requests being worked on.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        # labels() hashes and locks at each call; the few combinations that occur are kept.
        self._request_children: dict[tuple[str, str, int], Counter] = {}
        self._seconds_children: dict[tuple[str, str], Histogram] = {}

    def began(self) -> None:
        """A request came in."""
        self._in_flight.inc()

    def ended(self, *, method: str, route: str, status: int, seconds: float, problem: str | None) -> None:
        """A request was answered, or its client went away.

        Args:
            method: as received; unknown ones are counted together.
            route: the route's template, or ``UNMATCHED``.
            status: as sent, 0 if nothing was.
            seconds: how long it took.
            problem: the slug of the problem document, None if there was none.
        """
        if method not in _METHODS:
            method = "other"
        key = (method, route, status)
        counter = self._request_children.get(key)
        if counter is None:
            counter = self._request_children[key] = self._requests.labels(method, route, str(status))
        counter.inc()
        histogram = self._seconds_children.get((method, route))
        if histogram is None:
            histogram = self._seconds_children[(method, route)] = self._seconds.labels(method, route)
        histogram.observe(seconds)
        if problem is not None:
            self._problems.labels(problem).inc()
        self._in_flight.dec()

    def render(self) -> bytes:
        """The text format of Prometheus, of all workers together."""
        folder = os.environ.get(MULTIPROCESS_DIR)
        if folder is None:
            return generate_latest(self.registry)
        _forget_dead_workers(Path(folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]  # untyped there
        return generate_latest(registry)


def _forget_dead_workers(folder: Path) -> None:
    # A worker that was killed leaves its requests in flight behind for ever.
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]  # untyped there
        except PermissionError:
            continue
