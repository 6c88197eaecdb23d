"""What programs of the InterUSS ecosystem ask beside the standard: does it answer, and which exchange is it.

Source: InterUSS, the auxiliary interface of the DSS 1.1.0 and the versioning interface 0.1.2.
"""

from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from detente import __version__
from detente.errors import NotAllowed, NotFound
from detente.parties.model import Scope
from detente.parties.service import PartiesService
from detente.web.model import QueryField, RefusalForm, Reply, Request, Route

TAG: Final = "interuss"
SYSTEMS: Final = ("astm.f3548.v21", "us.utm_implementation", "uspace.ussp", "dss")
"""The boundaries for which there is a version to tell; all are this one program."""
_VERSION: Final = f"v{__version__}"
_MAX_SHOWN: Final = 200


class VersionAnswer(Struct, frozen=True):
    """Which version of the discovery service runs here."""

    version: str


class SystemVersion(Struct, frozen=True):
    """Which version of a system runs here."""

    system_identity: str
    system_version: str


class Pool(Struct, frozen=True):
    """Which airspace representation is served; the same at every address of one exchange."""

    dar_id: str


class Instance(Struct, frozen=True):
    """One address of the exchange."""

    id: str
    public_endpoint: str


class Instances(Struct, frozen=True):
    """The addresses that this server knows: its own."""

    dss_instances: tuple[Instance, ...]


class Valid(Struct, frozen=True):
    """The token is believed."""


def interuss_routes(parties: PartiesService) -> list[Route]:
    """List the routes beside the standard.

    Args:
        parties: knows which exchange this is, and its public URL.

    Returns:
        One entry for each method of each path.
    """
    return [*_open_routes(), _validate_route(), *_pool_routes(parties), *_version_routes()]


def _open_routes() -> list[Route]:
    async def get_healthy(_: Request) -> Reply:
        return Reply(200, b"ok", media_type="text/plain")

    async def get_version(_: Request) -> Reply:
        return Reply(200, VersionAnswer(_VERSION))

    return [
        Route(
            "GET",
            "/healthy",
            None,
            get_healthy,
            "Does the process answer?",
            TAG,
            answers={200: str},
            answer_media_type="text/plain",
            refusals=RefusalForm.ERROR_RESPONSE,
        ),
        Route(
            "GET",
            "/aux/v1/version",
            None,
            get_version,
            "The version of this program.",
            TAG,
            answers={200: VersionAnswer},
            refusals=RefusalForm.ERROR_RESPONSE,
        ),
    ]


def _validate_route() -> Route:
    async def validate(request: Request) -> Reply:
        owner, party_id = request.query.get("owner"), request.who().party_id
        if owner and owner != party_id:
            raise NotAllowed(
                "the token speaks for another party", expected=party_id, actual=owner[:_MAX_SHOWN]
            )
        return Reply(200, Valid())

    first, *others = (scope.value for scope in Scope)
    return Route(
        "GET",
        "/aux/v1/validate_oauth",
        first,
        validate,
        "Is this token believed, and does it speak for this party?",
        TAG,
        answers={200: Valid},
        query=(QueryField("owner", str, "the party that the token should speak for"),),
        or_scopes=tuple(others),
        refusals=RefusalForm.ERROR_RESPONSE,
    )


def _pool_routes(parties: PartiesService) -> list[Route]:
    async def get_pool(_: Request) -> Reply:
        return Reply(200, Pool(await parties.exchange_id()))

    async def get_instances(_: Request) -> Reply:
        url = parties.settings.issuer
        return Reply(200, Instances((Instance(urlsplit(url).netloc, url),)))

    return [
        Route(
            "GET",
            "/aux/v1/pool",
            Scope.POOL_STATUS_READ.value,
            get_pool,
            "Which exchange this is.",
            TAG,
            answers={200: Pool},
            refusals=RefusalForm.ERROR_RESPONSE,
        ),
        Route(
            "GET",
            "/aux/v1/pool/dss_instances",
            Scope.POOL_STATUS_READ.value,
            get_instances,
            "At which address this exchange is reached.",
            TAG,
            answers={200: Instances},
            refusals=RefusalForm.ERROR_RESPONSE,
        ),
    ]


def _version_routes() -> list[Route]:
    async def get_system_version(request: Request) -> Reply:
        identity = request.path["system_identity"]
        if identity not in SYSTEMS:
            raise NotFound("no such system runs here", expected=", ".join(SYSTEMS))
        return Reply(200, SystemVersion(identity, _VERSION))

    return [
        Route(
            "GET",
            f"{base}/versions/{{system_identity}}",
            Scope.READ_SYSTEM_VERSIONS.value,
            get_system_version,
            "Which version of a system runs here.",
            TAG,
            answers={200: SystemVersion},
            errors=(NotFound,),
            refusals=RefusalForm.ERROR_RESPONSE,
        )
        for base in ("", "/versioning")  # harnesses are told either base
    ]
