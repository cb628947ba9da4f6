"""The fault table for people: one row per fault id, folded over its subjects, and as a page.

The rows come from the faults that fly: what is not here is not watched.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from flight.config import NodeConfig, build_points
from flight.core.config_judge import Comparison
from flight.core.event_ids import SEVERITIES
from flight.core.fault_kinds import KINDS, LAWS, RESPONSES, FaultKind, LawLadder
from flight.core.faults import build_faults
from flight.core.monitors import Fault, Response
from flight.core.points import PointTable
from flight.core.section import Section
from flight.dictionary.events import kind as event_kind

_DIGIT = re.compile(r"\b(accel|plate|string|nvme)\d")
_SUBJECTS_SHOWN = 4
_NONE = Response.NONE


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One fault id.

    Args:
        subjects: What it can strike, numbers folded to *. monitors: how many of them there are; 0
            for a law of its own.
        watches: What is compared with what, one line each. lasting: how long that must last.
        stale: What an unknown reading means. off_in: modes in which it is not looked for.
        ladder: The response, what confirms it, and what comes after it, one line per rung.
        limit: Key of the configuration that holds the threshold or time, "" for none.
    """

    id: str
    subjects: tuple[str, ...]
    monitors: int
    severity: str
    watches: tuple[str, ...]
    lasting: str
    stale: str
    rearm: str
    off_in: tuple[str, ...]
    response: str
    ladder: tuple[str, ...]
    limit: str
    cause: str
    action: str

    def subjects_text(self) -> str:
        """Return the subjects in few words."""
        shown = self.subjects[:_SUBJECTS_SHOWN]
        more = len(self.subjects) - len(shown)
        return ", ".join(shown) + (f" +{more}" if more else "")


def rows(config: NodeConfig) -> list[FaultRow]:
    """Return the table of a configuration, sorted by id; laws that answer by themselves too."""
    table = build_points(config)
    faults = build_faults(config, table, config.node.accelerator_count)
    present = [f for f in faults if not f.point or f.point in table.index]
    by_id: dict[str, list[Fault]] = {}
    for fault in present:
        by_id.setdefault(fault.event_id, []).append(fault)
    found = [_row(config, table, by_id, event_id) for event_id in by_id]
    laws = [law for law in LAWS if law.needs in ("", *table.index)]
    return sorted([*found, *(_law_row(config, law) for law in laws)], key=lambda row: row.id)


def _law_row(config: NodeConfig, law: LawLadder) -> FaultRow:
    """Return the row of a response that a law of its own carries out, without a monitor."""
    meaning, ladder = event_kind(law.event_id), []
    for was, rung in zip((None, *law.rungs), law.rungs, strict=False):
        after = f"else after {_value(config, was.wait):g} s " if was and was.wait else ""
        ladder.append(f"{after}{rung.what}; until {rung.confirmed_by}")
    return FaultRow(
        id=law.event_id,
        subjects=(law.subject,),
        monitors=0,
        severity=SEVERITIES[law.event_id].name,
        watches=(law.watches,),
        lasting="by law",
        stale="hold",
        rearm="by law",
        off_in=(),
        response=law.rungs[0].what,
        ladder=tuple(ladder),
        limit="",
        cause=meaning.cause,
        action=meaning.action,
    )


def fold(name: str) -> str:
    """Return a name with the numbers of accelerators, plates, strings and drives as *."""
    return _DIGIT.sub(r"\1*", name)


def _row(
    config: NodeConfig, table: PointTable, by_id: Mapping[str, list[Fault]], event_id: str
) -> FaultRow:
    faults, about = by_id[event_id], KINDS[event_id]
    first, meaning = faults[0], event_kind(event_id)
    return FaultRow(
        id=event_id,
        subjects=_unique(fold(f.subject) for f in faults),
        monitors=len(faults),
        severity=max(f.severity for f in faults).name,
        watches=_unique(_watches(config, table, about, f) for f in faults),
        lasting=_lasting(config, about, first),
        stale=first.stale,
        rearm=f"after {first.rearm_s:g} s" if first.rearm == "after" else first.rearm,
        off_in=tuple(sorted(mode.value for mode in first.off_in)),
        response=" / ".join(_unique(f.response.value for f in faults if f.response is not _NONE)),
        ladder=tuple(_ladder(by_id, event_id)),
        limit=about.limit,
        cause=meaning.cause,
        action=meaning.action,
    )


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def _watches(config: NodeConfig, table: PointTable, about: FaultKind, fault: Fault) -> str:
    if fault.condition:
        return fold(fault.condition)
    if fault.signal.endswith(".disagrees"):
        compared = _comparison(config, about)
        part = f" + {compared.ratio * 100:g} %" if compared.ratio else ""
        point = fault.signal.removesuffix(".disagrees")
        return f"{fold(point)} apart by > {compared.tolerance:g}{part}"
    if fault.signal:
        return f"{fold(fault.signal)} {fault.comparison} {fault.threshold:g}"
    if fault.stale == "trip":
        return f"{fold(fault.point)} silent"
    unit = table.points[table.index[fault.point]].unit
    unit = {"degC": " °C", "ratio": "", "code": "", "bits": ""}.get(unit, f" {unit}")
    modes = "".join(f", {limit:g} in {mode.value}" for mode, limit in fault.mode_thresholds)
    return f"{fold(fault.point)} {fault.comparison} {fault.threshold:g}{unit}{modes}"


def _lasting(config: NodeConfig, about: FaultKind, fault: Fault) -> str:
    if fault.signal.endswith(".disagrees"):
        return f"{_comparison(config, about).persistence_s:g} s"
    return f"{fault.persistence_s:g} s" if fault.persistence_s else "at once"


def _comparison(config: NodeConfig, about: FaultKind) -> Comparison:
    found = getattr(config.judge.compare, about.limit.rpartition(".")[2])
    assert isinstance(found, Comparison)
    return found


def _ladder(by_id: Mapping[str, list[Fault]], event_id: str) -> Iterator[str]:
    """Yield a line per rung: a chain of faults, each raised when the one before had no effect."""
    chain = [event_id]
    while (after := KINDS[chain[-1]].escalates_to) in by_id and after not in chain:
        chain.append(after)
    yield _does(by_id[event_id], KINDS[event_id])
    for was, now in pairwise(chain):
        first, then = by_id[was][0], by_id[now][0]
        wait_s = then.persistence_s
        if then.condition and then.condition == first.condition:
            wait_s -= first.persistence_s
        yield f"else after {wait_s:g} s {now}: {_does(by_id[now], KINDS[now])}"
    if after and after not in by_id:
        yield f"else {after} (a law of its own)"


def _does(faults: list[Fault], about: FaultKind) -> str:
    responses = {f.response: None for f in faults}
    told = [RESPONSES[r] for r in responses if r is not _NONE or len(responses) == 1]
    until = f"; until {about.confirmed_by}" if about.confirmed_by else ""
    return " or ".join(told) + until


def _value(config: NodeConfig, key: str) -> float:
    section, _, name = key.partition(".")
    part = getattr(config, section)
    assert isinstance(part, Section)
    return float(getattr(part, name))


def markdown(config: NodeConfig) -> str:
    """Return the table as the page docs/reference/faults.md."""
    found = rows(config)
    monitors = sum(row.monitors for row in found)
    lines = [
        "# Faults",
        "",
        f"What the daemon watches on REF-1: {len(KINDS)} kinds of fault, {monitors} monitors,",
        f"and {len(LAWS)} laws with a memory of their own.",
        "Generated from the table that flies (`flight/core/faults.py` and the files beside it);",
        "`nightside faults` prints it for any configuration, with the state of a running node.",
        "How to add one: [add a fault](../how-to/add-a-fault.md).",
        "",
        "A fault is raised when what it watches has lasted long enough, counted between samples;",
        "its end is the event `<id>.cleared`. An unknown reading holds the present state, unless",
        "its lines say otherwise. The limit is the key of the configuration where it stands.",
        "",
    ]
    group = ""
    for row in found:
        head = row.id.partition(".")[0]
        if head != group:
            group = head
            lines += [f"## {group}", ""]
        lines += _section(row)
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(row: FaultRow) -> list[str]:
    """Return the lines of one fault."""
    unknown = {"hold": "", "trip": "; an unknown reading trips", "clear": "; an unknown clears"}
    watched = "; ".join(f"`{w}`" if row.monitors else w for w in row.watches)
    lines = [
        f"### `{row.id}`",
        "",
        f"{row.severity}, {row.subjects_text()}. {row.cause}",
        "",
        f"- watches {watched}, {row.lasting}{unknown[row.stale]}",
    ]
    lines += [f"- response: {row.ladder[0]}", *(f"  - {rung}" for rung in row.ladder[1:])]
    lines += [f"- operator: {row.action}"]
    if row.rearm not in ("auto", "by law"):
        lines.append(f"- re-arm: {row.rearm}")
    if row.off_in:
        lines.append(f"- not looked for in {', '.join(row.off_in)}")
    if row.limit:
        lines.append(f"- limit: `{row.limit}`")
    return [*lines, ""]


if __name__ == "__main__":
    from pathlib import Path

    from flight.config import load_config
    from flight.examples import default_config_path

    page = Path(__file__).parents[1] / "docs" / "reference" / "faults.md"
    page.write_text(markdown(load_config(default_config_path())), encoding="utf-8")
