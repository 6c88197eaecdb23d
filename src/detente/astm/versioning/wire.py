"""The message of InterUSS' versioning interface. Source: versioning.yaml 0.1.2."""

from detente.astm.f3548.wire import Message


class GetVersionResponse(Message, frozen=True):
    """Which version of which system runs here."""

    system_identity: str | None = None
    system_version: str | None = None
