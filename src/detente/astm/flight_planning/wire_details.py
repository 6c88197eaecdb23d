"""What a flight plan of InterUSS' flight planning interface may hold beside where and when.

Source: uas.yaml, operator.yaml, telemetry.yaml, uspace.yaml, au.yaml, astm_f3548v21.yaml, geotemporal.yaml.
"""

from typing import Annotated, Literal

from msgspec import Meta

from detente.astm.f3548.wire import Circle, LatLngPoint, Message, Polygon, Time
from detente.astm.f3548.wire_details import PositionAccuracyHorizontal, PositionAccuracyVertical

FunctionalState = Literal["Nominal", "OffNominal", "Contingent", "NotSpecified"]
AircraftType = Literal[
    "NotDeclared",
    "Aeroplane",
    "Helicopter",
    "Gyroplane",
    "HybridLift",
    "Ornithopter",
    "Glider",
    "Kite",
    "FreeBalloon",
    "CaptiveBalloon",
    "Airship",
    "FreeFallOrParachute",
    "Rocket",
    "TetheredPoweredAircraft",
    "GroundObstacle",
    "Other",
]


class Altitude(Message, frozen=True):
    """Metres above the ellipsoid, the ground or the place of take-off: wider than the standard's own."""

    value: Annotated[float, Meta(ge=-8_000.0, le=100_000.0)]
    reference: Literal["W84", "SFC", "Takeoff"]
    units: Literal["M"]


class Volume3D(Message, frozen=True):
    """A shape between two altitudes."""

    outline_circle: Circle | None = None
    outline_polygon: Polygon | None = None
    altitude_lower: Altitude | None = None
    altitude_upper: Altitude | None = None


class Volume4D(Message, frozen=True):
    """A volume from one time to another."""

    volume: Volume3D
    time_start: Time | None = None
    time_end: Time | None = None


class UASRegistrationNumber(Message, frozen=True):
    """A number under which an aircraft is known."""

    identifier: str
    authority: str | None = None


class UAClassificationEU(Message, frozen=True, rename={"class_": "class"}):
    """The European Union's category and class of an aircraft."""

    category: Literal["EUCategoryUndefined", "Open", "Specific", "Certified"] | None = None
    class_: (
        Literal["EUClassUndefined", "Class0", "Class1", "Class2", "Class3", "Class4", "Class5", "Class6"]
        | None
    ) = None


class UASInformation(Message, frozen=True):
    """Which aircraft."""

    aircraft_type: AircraftType | Literal["VTOL"] | None = None
    serial_number: str | None = None
    registration_numbers: tuple[UASRegistrationNumber, ...] | None = None
    eu_classification: UAClassificationEU | None = None


class OperatorRegistrationNumber(Message, frozen=True):
    """A number under which an operator or pilot is known."""

    identifier: str
    authority: str | None = None
    type: str | None = None


class OperatorInformation(Message, frozen=True):
    """Who flies, and from where."""

    registration_numbers: tuple[OperatorRegistrationNumber, ...] | None = None
    location: LatLngPoint | None = None
    altitude: Altitude | None = None


class AircraftPosition(Message, frozen=True):
    """Where an aircraft is; `pressure_altitude` in metres."""

    location: LatLngPoint | None = None
    altitudes: tuple[Altitude, ...] | None = None
    accuracy_h: PositionAccuracyHorizontal | None = None
    accuracy_v: PositionAccuracyVertical | None = None
    pressure_altitude: float | None = None


class AircraftState(Message, frozen=True):
    """An aircraft at one time: seconds, metres per second, degrees from true north (360: not known)."""

    id: str
    timestamp: Time
    timestamp_accuracy: Annotated[float, Meta(ge=0.0)] | None = None
    position: AircraftPosition | None = None
    operational_status: Literal["Undeclared", "Ground", "Airborne", "Emergency", "Unknown"] | None = None
    uas_state: FunctionalState | None = None
    track: Annotated[float, Meta(ge=0.0, le=360.0)] | None = None
    speed: Annotated[float, Meta(ge=0.0)] | None = None
    speed_accuracy: Literal["SAUnknown", "SA10mpsPlus", "SA10mps", "SA3mps", "SA1mps", "SA03mps"] | None = (
        None
    )
    vertical_speed: float | None = None


class FlightTelemetry(Message, frozen=True):
    """What the aircraft is to report."""

    states: tuple[AircraftState, ...] | None = None


class ASTMF354821OpIntentInformation(Message, frozen=True):
    """What ASTM F3548-21 needs to know beside the flight itself."""

    priority: int | None = None


class FlightAuthorisationData(Message, frozen=True):
    """A request for a U-space flight authorisation. Source: Regulation (EU) 2021/664, annex IV."""

    uas_serial_number: str
    operation_mode: Literal["Undeclared", "Vlos", "Bvlos"]
    operation_category: Literal["Unknown", "Open", "Specific", "Certified"]
    uas_class: Literal["Other", "C0", "C1", "C2", "C3", "C4", "C5", "C6"]
    identification_technologies: tuple[str, ...]
    connectivity_methods: tuple[str, ...]
    endurance_minutes: float
    emergency_procedure_url: str
    operator_id: str
    uas_type_certificate: str | None = None
    uas_id: str | None = None


class RPAS26FlightDetails(Message, frozen=True):
    """What Australia's operating rules for remotely piloted aircraft want to know."""

    operator_type: Literal["Recreational", "CommercialExcluded", "ReOC"] | None = None
    uas_serial_numbers: tuple[str, ...] | None = None
    uas_registration_numbers: tuple[str, ...] | None = None
    aircraft_type: AircraftType | None = None
    flight_profile: Literal["AutomatedGrid", "AutomatedWaypoint", "Manual"] | None = None
    pilot_license_number: str | None = None
    pilot_phone_number: str | None = None
    operator_number: str | None = None
