"""Plans as a table: the volumes of whole files in columns, and whose plan each is a part of."""

from array import array
from dataclasses import dataclass, field

import numpy as np

from detente.formats.faults import Fault
from detente.geo.sweep_columns import Bytes, Floats, Ints, Longs, VolumeColumns


@dataclass(frozen=True, slots=True)
class PlanTable:
    """Everything that was read, numbered.

    Attributes:
        columns: all volumes; their ``plan`` and ``party`` number the lists below.
        plan_ids: the ids of the plans.
        parties: the names of the parties.
        plan_party: the party's number of each plan.
        files: the names of the files.
        file: which of them each volume is from, shape (n,).
        feature: number of each volume's feature in its file, from 1, shape (n,).
        titles: the title of each plan that has one, by its id.
    """

    columns: VolumeColumns
    plan_ids: list[str]
    parties: list[str]
    plan_party: list[int]
    files: list[str]
    file: Ints
    feature: Ints
    titles: dict[str, str]

    def __len__(self) -> int:
        """The number of plans."""
        return len(self.plan_ids)


@dataclass(frozen=True, slots=True)
class Rows:
    """Some volumes of one file on their way into the table, in columns; ids and parties are text.

    Attributes:
        feature: number of each one's feature in the file, from 1, shape (n,).
        ids: plan ids, n of them.
        parties: party names, n of them.
        kind: codes of `detente.geo.sweep_columns.Kind`, shape (n,).
        counts: vertices of each, shape (n,).
        lon_lat: longitudes and latitudes in degrees, shape (sum of counts, 2).
        reach_m: radius or half the width, shape (n,).
        lower_m: shape (n,).
        upper_m: shape (n,).
        datum: indexes into `detente.geo.sweep_columns.DATUMS`, shape (n,).
        start_ms: shape (n,).
        end_ms: shape (n,).
        titles: pairs of a plan's id and its title, for the features that have one.
    """

    feature: Longs
    ids: list[str]
    parties: list[str]
    kind: Bytes
    counts: Longs
    lon_lat: Floats
    reach_m: Floats
    lower_m: Floats
    upper_m: Floats
    datum: Bytes
    start_ms: Longs
    end_ms: Longs
    titles: list[tuple[str, str]]


_COLUMNS = {
    "kind": "B",
    "reach_m": "d",
    "lower_m": "d",
    "upper_m": "d",
    "datum": "B",
    "start_ms": "q",
    "end_ms": "q",
}


@dataclass(slots=True)
class TableBuilder:
    """Grows a table row by row; memory beside the columns is the plans' ids and titles."""

    faults: list[Fault] = field(default_factory=list)
    _columns: "dict[str, array[float]]" = field(
        default_factory=lambda: {n: array(c) for n, c in _COLUMNS.items()}
    )
    _files: dict[str, int] = field(default_factory=dict)
    _file: "array[int]" = field(default_factory=lambda: array("i"))
    _feature: "array[int]" = field(default_factory=lambda: array("i"))
    _counts: "array[int]" = field(default_factory=lambda: array("q"))
    _lat: "array[float]" = field(default_factory=lambda: array("d"))
    _lon: "array[float]" = field(default_factory=lambda: array("d"))
    _plan: "array[int]" = field(default_factory=lambda: array("i"))
    _plans: dict[str, int] = field(default_factory=dict)
    _plan_party: "array[int]" = field(default_factory=lambda: array("i"))
    _parties: dict[str, int] = field(default_factory=dict)
    _titles: dict[str, str] = field(default_factory=dict)

    def add(self, file: str, rows: Rows) -> None:
        """Take rows in; a plan that another party has already is a fault.

        Args:
            file: name of the file, for faults.
            rows: what was read from it.
        """
        for name, column in self._columns.items():
            values = np.ascontiguousarray(getattr(rows, name), np.dtype(column.typecode))
            column.frombytes(values.tobytes())
        self._counts.frombytes(np.ascontiguousarray(rows.counts, np.int64).tobytes())
        self._lon.frombytes(np.ascontiguousarray(rows.lon_lat[:, 0]).tobytes())
        self._lat.frombytes(np.ascontiguousarray(rows.lon_lat[:, 1]).tobytes())
        self._feature.frombytes(np.ascontiguousarray(rows.feature, np.int32).tobytes())
        number = self._files.setdefault(file, len(self._files))
        self._file.frombytes(np.full(len(rows.counts), number, np.int32).tobytes())
        self._number(file, rows)
        for plan_id, title in rows.titles:
            self._titles.setdefault(plan_id, title)

    def _number(self, file: str, rows: Rows) -> None:
        plans, parties, plan_party, out = self._plans, self._parties, self._plan_party, self._plan
        for row, (plan_id, name) in enumerate(zip(rows.ids, rows.parties, strict=True)):
            party = parties.setdefault(name, len(parties))
            plan = plans.setdefault(plan_id, len(plans))
            out.append(plan)
            if plan == len(plan_party):
                plan_party.append(party)
            elif plan_party[plan] != party:
                owner = list(parties)[plan_party[plan]]
                expected = f'"{owner}", as in the other features of this id'
                fault = Fault(file, int(rows.feature[row]), plan_id, "party", expected, f'"{name}"')
                if fault not in self.faults[-2:]:
                    self.faults.append(fault)

    def build(self) -> PlanTable:
        """Finish the table; the builder is used up.

        Returns:
            The table.
        """
        counts = _array(self._counts, np.int64)
        first = np.zeros(len(counts) + 1, np.int64)
        np.cumsum(counts, out=first[1:])
        plan = _array(self._plan, np.int32)
        plan_party = _array(self._plan_party, np.int32)
        columns = VolumeColumns(
            kind=_array(self._columns["kind"], np.uint8),
            first=first,
            lat_deg=_array(self._lat, np.float64),
            lon_deg=_array(self._lon, np.float64),
            reach_m=_array(self._columns["reach_m"], np.float64),
            lower_m=_array(self._columns["lower_m"], np.float64),
            upper_m=_array(self._columns["upper_m"], np.float64),
            datum=_array(self._columns["datum"], np.uint8),
            start_ms=_array(self._columns["start_ms"], np.int64),
            end_ms=_array(self._columns["end_ms"], np.int64),
            plan=plan,
            party=plan_party[plan],
        )
        return PlanTable(
            columns=columns,
            plan_ids=list(self._plans),
            parties=list(self._parties),
            plan_party=plan_party.tolist(),
            files=list(self._files),
            file=_array(self._file, np.int32),
            feature=_array(self._feature, np.int32),
            titles=self._titles,
        )


def _array(values: "array[int] | array[float]", dtype: type[np.generic]) -> np.ndarray:
    return np.frombuffer(values, dtype) if len(values) else np.empty(0, dtype)
