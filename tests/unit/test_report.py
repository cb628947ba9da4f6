"""`nightside report`: what stands on the page of a short flight with two faults."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from flight import cli
from flight.explain import REASON_TEXTS
from flight.report.accounts import AccountChannels, Accounts
from flight.report.balance import electrical_bars, heat_bars
from flight.report.flight_data import SAMPLES_MAX, buckets_for, read_flight
from flight.report.page import WINDOWS_MAX
from flight.report.panels import PANELS, channels_of
from flight.report.sections import (
    FAULT_LINES_MAX,
    PROPERTY_CLAIMS,
    _Bars,
    properties,
    verdict,
)
from flight.report.windows import channels_for, span_of, spoken, window_data
from flight.report.words import NO_BREAK, energy
from flight.report.writing import write_comparison, write_report
from flight.services.recording import RecordingReader
from sim_hw.summary_text import PROPERTY_TITLES
from tests.unit.report_flight import fly_short, record_node

VOID = {"meta", "link", "br"}
BYTES_MAX = 3_000_000


@pytest.fixture(scope="module")
def flight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fly_short(tmp_path_factory.mktemp("report"), with_report=True)


@pytest.fixture(scope="module")
def page(flight: Path) -> str:
    return (flight / "report.html").read_text()


@pytest.fixture(scope="module")
def data(flight: Path):
    found, reader = read_flight(flight)
    reader.close()
    return found


class Page(HTMLParser):
    """Checks that elements close as they open; keeps ids and what is linked."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.ids, self.links, self.tags = [], [], [], []
        self.feed(text)
        assert self.open == [], self.open

    def handle_starttag(self, tag, attrs):
        pairs = dict(attrs)
        self.tags.append((tag, pairs))
        if "id" in pairs:
            self.ids.append(pairs["id"])
        if "href" in pairs:
            self.links.append(pairs["href"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.getpos(), self.open[-3:])
        self.open.pop()


def document(page: str) -> dict:
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def test_the_page_is_whole_and_every_link_leads_somewhere(page) -> None:
    parsed = Page(page)
    assert len(parsed.ids) == len(set(parsed.ids))
    for link in parsed.links:
        assert link == "data:," or link.removeprefix("#") in parsed.ids, link


def test_the_page_asks_nobody_for_anything(page) -> None:
    sources = [pairs for _, pairs in Page(page).tags if {"src", "srcset", "action"} & pairs.keys()]
    assert sources == []
    assert "default-src 'none'" in page and "@import" not in page and "url(" not in page
    assert len(page) < BYTES_MAX


def test_what_others_wrote_is_text_and_never_markup(page) -> None:
    assert "Short &lt;flight&gt; &amp; two faults" in page and "<flight>" not in page


def test_a_flight_says_how_near_it_came_to_each_limit(flight, page) -> None:
    summary = json.loads((flight / "summary.json").read_text())
    assert "ALL GOOD" in page and "1 of 1 expectations met" in page
    for name, result in summary["properties"].items():
        assert f"<b>{name}</b>" in page
        if result["closest"] is not None:
            assert result["closest"]["subject"] in page
    assert set(summary["properties"]) <= set(PROPERTY_CLAIMS)


def test_every_property_has_its_claim() -> None:
    assert set(PROPERTY_TITLES) == set(PROPERTY_CLAIMS)


def test_each_fault_tells_its_story(flight, page) -> None:
    for fault in json.loads((flight / "summary.json").read_text())["faults"]:
        told = page[page.index(f'<article id="fault-{fault["id"]}"') :].partition("</article>")[0]
        assert f"{fault['injected_s']:.3f} s" in told
        for key in ("detected_s", "safe_s", "back_s"):
            assert f"+{fault[key] - fault['injected_s']:.3f} s" in told, key
        assert fault["detected_by"].split()[0] in told and 'data-panel="fault-' in told
        for step in fault["done"]:
            assert step["event"] in told
    assert "rail.accel3_aux.current_a" in told and "reflex" in told, "evidence of the driver"


def test_the_command_of_the_page_flies_the_same_flight(flight, page) -> None:
    summary = json.loads((flight / "summary.json").read_text())
    assert summary["command"][:2] == ["nightside", "sim"] and "--scenario" in summary["command"]
    assert summary["command"][-2:] == ["--seed", "7"]
    assert "nightside sim --scenario" in page
    for word in (summary["trace_hash"], summary["config_hash"]):
        assert word in page


def test_the_pictures_show_what_was_recorded(flight, page) -> None:
    panels = {panel["key"]: panel for panel in document(page)["panels"]}
    assert {panel.key for panel in PANELS} <= set(panels)
    with RecordingReader(flight / "recording.db") as reader:
        for key, name in (("flow", "loop.flow_kg_per_s"), ("core", "accel3.core_temp_c")):
            _, values = reader.series([name], without_failed=True)
            label = name.removeprefix("loop.").removesuffix(".core_temp_c")
            drawn = next(s["y"] for s in panels[key]["series"] if s["label"] == label)
            known = [v for v in drawn if v is not None]
            read = values[values == values]
            assert (min(known), max(known)) == pytest.approx((read.min(), read.max()), abs=1e-2)


def test_the_strip_says_which_term_won_each_cap(page) -> None:
    found = document(page)
    words = found["reasons"]["words"]
    assert words[0] == "maximum" and {"pump", "rail", "ramp"} <= set(words)
    assert len(found["reasons"]["lines"]) == 8
    at_87 = [next(w for a, b, w in line if a <= 87.0 < b) for line in found["reasons"]["lines"]]
    assert [words[w] for w in at_87] == ["pump"] * 8
    assert set(words) <= {str(word) for word in REASON_TEXTS}


def test_throttling_is_told_in_joules(data) -> None:
    items = {(i.accelerator, i.reason): i for i in data.accounts.withheld()}
    pump = items[0, "pump"]
    assert pump.joules == pytest.approx((700.0 - 200.0) * pump.held_s, rel=0.02)
    assert 0.0 < pump.bound_joules <= pump.joules
    assert (3, "rail") in items and not any(reason == "maximum" for _, reason in items)


def test_both_sides_of_each_balance_are_equal(data) -> None:
    for bars in (electrical_bars(data), heat_bars(data)):
        came, went = bars
        assert came.joules == pytest.approx(went.joules, rel=1e-3)
        assert all(share.joules >= 0.0 for bar in bars for share in bar.shares)


def test_losses_and_what_the_radiator_takes_up_are_shares_of_their_own(data) -> None:
    truth = data.summary["energy"]
    (_, took), (came, went) = electrical_bars(data), heat_bars(data)
    shares = {f"{b.label} {s.label}": s.joules for b in (took, came, went) for s in b.shares}
    for name, joules in (
        ("in absorbed from Sun and Earth", truth["absorbed_joules"]),
        ("in lost in converters and wiring", truth["converter_loss_joules"]),
        ("out lost in converters and wiring", truth["converter_loss_joules"]),
        ("out leaked into the structure", truth["leaked_joules"]),
    ):
        assert shares[name] == pytest.approx(joules) and joules > 0.0, name
    net_j = truth["rejected_joules"] - truth["leaked_joules"]
    assert shares["out radiated"] - truth["absorbed_joules"] == pytest.approx(net_j)


def test_a_table_of_energies_has_one_unit() -> None:
    assert energy(1234.0).replace(NO_BREAK, " ") == "1.2 kJ (0.34 Wh)"
    assert energy(1234.0, beside=2e6).replace(NO_BREAK, " ") == "0.001 MJ (0.000 kWh)"
    assert energy(-2e6).replace(NO_BREAK, " ") == "−2.000 MJ (−0.556 kWh)"


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (("loop.supply_temp_c", "loop.return_temp_c"), "Coolant"),
        (("host.radiator_temp_c",), "Radiator"),
        (("rail.payload_54v.power_w",), "Payload power"),
        (("eps.array_power_w", "rail.payload_54v.power_w"), "Power balance"),
        (("host.cpu_temp_c",), "Host temperatures"),
        (("accel0.core_temp_c",), "Core temperatures"),
    ],
)
def test_a_picture_is_called_by_what_it_shows(names, title) -> None:
    panel = next(p for p in PANELS if channels_of(p, names) == names)
    assert panel.title_for(names) == title


def test_a_trace_is_called_as_people_say_it() -> None:
    names = ("loop.flow_kg_per_s", "accel0.core_temp_c", "accel0.cap_w", "rail.accel0_aux.enable")
    assert [spoken(name) for name in names] == ["flow", "core temperature", "cap", "enable"]


def test_telemetry_adds_up_to_what_the_plant_says(data) -> None:
    truth, accounts = data.summary["energy"], data.accounts
    assert accounts.array_j == pytest.approx(truth["array_joules"], rel=0.02, abs=1e3)
    work_j = data.summary["work"]["accelerator_joules"]
    assert accounts.accelerator_j == pytest.approx(work_j, rel=0.02)


def test_every_kind_of_target_has_channels_to_show() -> None:
    from flight.dictionary.channels import build_point_table

    known = [point.name for point in build_point_table()]
    for target in ("pump_a", "accel3", "accel3_aux", "accel3_54v", "string2", "eps", "rails_a"):
        assert channels_for(target, known), target


def test_the_trace_of_a_fault_is_bounded() -> None:
    fault = {"injected_s": 5.0, "back_s": 9000.0, "safe_s": 6.0, "ended_s": None}
    assert span_of(fault) == (0.0, 305.0)
    assert span_of({**fault, "back_s": None, "safe_s": None}) == (0.0, 45.0)


def test_two_flights_are_compared(flight, tmp_path, capsys) -> None:
    other = fly_short(tmp_path, seed=8)
    capsys.readouterr()
    out = tmp_path / "both.html"
    assert cli.main(["report", str(flight), str(other), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    page = out.read_text()
    Page(page)
    labels = [s["label"] for panel in document(page)["panels"] for s in panel["series"]]
    assert "A hottest core" in labels and "B hottest core" in labels
    assert "differs" in page, "two seeds, two traces"


def test_a_recording_alone_is_reported_without_a_verdict(flight, tmp_path, capsys) -> None:
    copy = tmp_path / "recording.db"
    copy.write_bytes((flight / "recording.db").read_bytes())
    assert cli.main(["report", str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text()
    Page(page)
    assert "NOT JUDGED" in page and "From telemetry" in page


def test_a_short_flight_has_a_report_only_when_asked(tmp_path) -> None:
    assert not (fly_short(tmp_path, seed=9) / "report.html").exists()


def test_the_last_line_of_a_flight_is_the_path_of_its_report(tmp_path, capsys) -> None:
    arguments = ["sim", "--duration", "5s", "--out", str(tmp_path / "f"), "--report"]
    assert cli.main(arguments) in (0, 1)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == str(tmp_path / "f" / "report.html") and Path(last).is_file()
    assert cli.main(arguments[:-1]) in (0, 1), "an earlier report is part of a flight"
    assert not Path(last).exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{flight}", "--out", "{folder}"], "is a folder; name a file"),
        (["{flight}", "--out", "{folder}/none/x.html"], "cannot be written"),
        (["{folder}/none"], "holds no recording.db"),
        (["{flight}", "--run", "9"], "holds no run 9"),
        (["{flight}", "--run", "x"], "'x' is no number of a run, which is 1 or more"),
        (["{flight}", "--run", "0"], "'0' is no number of a run, which is 1 or more"),
        (["{flight}/report.html"], "report.html: is no recording; give the folder of the flight"),
        (["{flight}/summary.json"], "summary.json: is no recording"),
        (["{flight}", "--out", "{flight}/recording.db"], "is HTML; name it recording.db.html"),
        (["{flight}", "{flight}", "--out", "{folder}/x.png"], "is HTML; name it x.png.html"),
        (["{flight}", "{flight}", "--run", "1"], "--run goes with one flight"),
    ],
)
def test_mistakes_are_told(flight, tmp_path, capsys, arguments, message) -> None:
    words = [a.format(flight=flight, folder=tmp_path) for a in arguments]
    assert cli.main(["report", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_damaged_summary_is_told(flight, tmp_path, capsys) -> None:
    (tmp_path / "recording.db").write_bytes((flight / "recording.db").read_bytes())
    (tmp_path / "summary.json").write_text("[]")
    assert cli.main(["report", str(tmp_path)]) == 2
    assert "is no summary of a flight" in capsys.readouterr().err


def test_many_faults_share_lines_of_the_timeline() -> None:
    bars = _Bars(0.0, 1000.0)
    faults = [
        {"id": f"f{i}", "name": "latch_up", "target": "accel0_aux", "injected_s": 10.0 * i,
         "back_s": 10.0 * i + (15.0 if i % 2 else 5.0), "ended_s": None}
        for i in range(FAULT_LINES_MAX + 1)
    ]  # fmt: skip
    assert len(bars.lanes(faults[:-1])) == FAULT_LINES_MAX
    lanes = bars.lanes(faults)
    assert len(lanes) == 2
    assert sum(len(shown) for _, shown in lanes) == len(faults)


def test_what_the_quota_took_is_told(data) -> None:
    cut = replace(data, begin_s=100.0)
    assert cut.is_cut and not data.is_cut
    assert cut.flown_s == (0.0, 160.0)


def test_a_cap_that_nobody_felt_is_not_said_to_bind() -> None:
    names = ("accel0.power_w", "accel1.power_w")
    accounts = Accounts(AccountChannels.of(names), {"arbiter": {"cap_w_max": 700.0}}, 2)
    accounts.name_reasons({1: "guard"})
    times = np.arange(101, dtype=np.int64) * 100_000_000
    values = np.tile([300.0, 70.0], (101, 1))
    codes = np.ones((101, 2), np.uint8)
    for part in (slice(0, 40), slice(40, 101)):
        accounts.add(times[part], values[part], np.full((101, 2), 300.0)[part], codes[part])
    first, second = accounts.withheld()
    assert (first.joules, first.bound_joules) == pytest.approx((4000.0, 4000.0))
    assert (second.joules, second.bound_joules) == pytest.approx((4000.0, 0.0))
    assert accounts.accelerator_j == pytest.approx(3700.0)


def test_a_violation_stands_first_and_is_linked(data) -> None:
    violation = {
        "property": "S1", "time_s": 90.0, "subject": "accel5", "value": 91.0, "limit": 87.0,
        "unit": "degC", "text": "core <too> hot",
    }  # fmt: skip
    broken = {**data.summary["properties"]["S1"], "ok": False}
    summary = {
        **data.summary, "ok": False, "violations": [violation], "violation_count": 3,
        "properties": {**data.summary["properties"], "S1": broken},
    }  # fmt: skip
    bad = replace(data, summary=summary)
    assert "NOT GOOD" in verdict(bad) and "1 violated" in verdict(bad)
    told = properties(bad)
    assert "VIOLATED" in told and "Violations (3)" in told and "core &lt;too&gt; hot" in told
    assert 'data-from="60.0" data-to="120.0"' in told


def test_a_node_with_many_accelerators_has_a_line_for_each(tmp_path) -> None:
    page = write_report(record_node(tmp_path, accelerators=20)).read_text()
    Page(page)
    found = document(page)
    panels = {panel["key"]: panel for panel in found["panels"]}
    for key in ("core", "caps", "draw"):
        assert [s["label"] for s in panels[key]["series"]] == [f"accel{i}" for i in range(20)]
    assert len(found["reasons"]["lines"]) == 20
    assert "Nothing measures what comes into this node." in page


LOOP = ("loop.supply_temp_c", "loop.flow_kg_per_s", "loop.pump_a.speed_rpm")
POWER = ("eps.array_power_w", "eps.battery.voltage_v", "eps.battery.current_a")


@pytest.mark.parametrize(
    ("more", "absent", "drawn"),
    [
        (LOOP, {"power balance", "state of charge"}, {"coolant", "flow", "pumps"}),
        (POWER, {"coolant", "coolant flow", "pump speeds"}, {"power"}),
        ((), {"coolant", "power balance"}, {"core", "draw"}),
    ],
    ids=["no_power_system", "no_loop", "neither"],
)
def test_what_a_node_has_not_is_left_out_and_told_in_one_line(
    more, absent, drawn, tmp_path
) -> None:
    page = write_report(record_node(tmp_path, accelerators=1, more=more)).read_text()
    Page(page)
    told = re.search(r"<p>Not drawn, since this node has no such channels: (.*?)\.</p>", page)
    assert absent <= set(told[1].split(", "))
    keys = {panel["key"] for panel in document(page)["panels"]}
    assert drawn | {"core"} <= keys
    assert not keys & {p.key for p in PANELS if p.title.lower() in told[1].split(", ")}


def test_a_node_on_an_allotment_tells_what_its_rail_took(tmp_path) -> None:
    folder = record_node(tmp_path, accelerators=2, more=("rail.payload_54v.power_w",))
    data, reader = read_flight(folder)
    reader.close()
    came, _ = electrical_bars(data)
    assert [share.label for share in came.shares] == ["allotment of the spacecraft"]
    assert came.joules == pytest.approx(data.accounts.payload_j) and came.joules > 0.0


def test_a_comparison_says_what_only_one_node_has(flight, tmp_path) -> None:
    other = record_node(tmp_path / "other", accelerators=1)
    page = write_comparison(flight, other, tmp_path / "both.html").read_text()
    Page(page)
    assert "only one of the two nodes has them: hottest" not in page
    told = re.search(r"only one of the two nodes has them: (.*?)\.</p>", page)[1]
    assert {"coolant", "coolant flow"} <= set(told.split(", "))


def test_the_page_stays_small_whatever_it_shows(data, flight) -> None:
    """Six bytes and a comma for a sample: the parts that grow are bounded together."""
    for lines in (1, 55, 300):
        assert lines * buckets_for(lines) <= SAMPLES_MAX
    fault = {**data.faults[0], "safe_s": None, "back_s": None, "ended_s": 140.0}
    with RecordingReader(flight / "recording.db") as reader:
        pictures = [
            window_data(reader, {**fault, "id": f"f{i}"}, faults=WINDOWS_MAX)
            for i in range(WINDOWS_MAX)
        ]
        alone = window_data(reader, fault)
    assert len(json.dumps(pictures)) < BYTES_MAX / 2
    assert alone[0]["axis"]["count"] > pictures[0][0]["axis"]["count"]
