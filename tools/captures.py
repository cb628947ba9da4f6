"""Take the pictures of the documentation and the README's flight, in a temporary folder.

    python tools/captures.py [--columns N] [--out DIR]

Text commands are drawn as SVG from what they print; `top` takes its own screenshot; `plot` draws.
"""

import argparse
import asyncio
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from flight.top.app import TopApp
from flight.top.sources import RecordingSource, RunSource, Source

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
README = ROOT / "README.md"
MARKS = ("<!-- sim output -->", "<!-- end of sim output -->")  # around what a flight prints
CONFIG = ROOT / "examples" / "configs" / "ref1.toml"
SCENARIOS = ROOT / "examples" / "scenarios"
ORBIT = "flights/first_orbit-seed7"
OTHER_NODES = ("ai1", "edge")
TROUBLE = "flights/trouble"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WAIT_S = 120.0  # for a flight to come so far; a test machine may be slow
SCENARIO = """
title = "Four faults within a minute"
shows = "What the commands show while something is wrong."
seed = 7

[start]
orbit_phase = 0.6
charge_ratio = 0.82
temp_c = 35.0
mode = "NOMINAL"

[[action]]
at = "start"
do = "workload"
parameters = { kind = "constant", utilisation_ratio = 1.0 }

[[fault]]
id = "latch_up"
at = "40 s"
name = "latch_up"
target = "accel3_aux"

[[fault]]
id = "string"
at = "45 s"
name = "string_loss"
target = "string2"

[[fault]]
id = "bit_flips"
at = "60 s"
name = "ecc_errors"
target = "accel6"
parameters = { corrected_per_s = 4.0 }

[[fault]]
id = "monitor_gone"
at = "100 s"
name = "i2c_nack"
target = "accel1_54v"
"""
LIVE_S = 40.0  # all accelerators are in service, and their caps have risen
TROUBLE_S = 106  # the string, the memory and the part that went silent are still out
PLOT = ("accel[037].core_temp_c", "accel3.power_w", "accel3.cap_w", "loop.pump_?.speed_rpm",
        "eps.battery.charge_ratio")  # fmt: skip
THEME = TerminalTheme(
    (24, 26, 31),
    (208, 211, 216),
    [(24, 26, 31), (224, 108, 117), (140, 194, 101), (222, 178, 90), (97, 160, 230),
     (198, 130, 220), (86, 182, 194), (208, 211, 216)],
    [(120, 126, 138), (255, 120, 128), (160, 220, 120), (240, 200, 110), (120, 180, 245),
     (215, 150, 235), (110, 205, 215), (240, 242, 245)],
)  # fmt: skip


class Captures:
    """Runs commands in one folder and draws what they print.

    Args:
        folder: Where flights go; commands run there, so that pictures show short paths.
    """

    def __init__(self, folder: Path, out: Path, columns: int) -> None:
        self.folder, self.out, self.columns = folder, out, columns
        self._environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "COLUMNS": str(columns),
            "FORCE_COLOR": "1",
            "TERM": "xterm-256color",
        }

    def start(self, *arguments: str, with_progress: bool = False) -> subprocess.Popen[str]:
        """Start a command of Nightside and return at once."""
        return subprocess.Popen(
            [sys.executable, "-m", "flight", *arguments],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if with_progress else subprocess.DEVNULL,
            text=True,
        )

    def run(self, *arguments: str, with_progress: bool = False) -> str:
        """Run a command of Nightside to its end and return what it printed.

        Raises: SystemExit, when it was refused or killed: half of it is no picture.
        """
        command = self.start(*arguments, with_progress=with_progress)
        said, _ = command.communicate()
        if command.returncode not in (0, 1):  # 1: it told of something that is wrong
            told = f"nightside {' '.join(arguments)} ended with {command.returncode}"
            raise SystemExit(f"{told}\n{said}")
        return said

    def text(self, name: str, *arguments: str, rows: int = 60) -> None:
        """Draw what a command prints, its first rows if there are many."""
        lines = self.run(*arguments).rstrip("\n").split("\n")
        if not any(lines):
            raise SystemExit(f"nightside {' '.join(arguments)} printed nothing")
        shown = lines[:rows] + ([f"... {len(lines) - rows} lines more"] if lines[rows:] else [])
        console = Console(
            record=True, width=self.columns, file=io.StringIO(), force_terminal=True,
            color_system="truecolor",
        )  # fmt: skip
        console.print(Text.from_ansi("\n".join(shown)), soft_wrap=False)
        console.print()  # what hangs below the last line is not cut off
        title = f"nightside {' '.join(arguments)}"
        self._write(name, console.export_svg(title=title, theme=THEME, unique_id=name))

    def top(self, name: str, source: Source, *keys: str, at_s: float | None = None) -> None:
        """Draw a page of `top`, after some keys were pressed."""

        async def look() -> str:
            app = TopApp(source)
            async with app.run_test(size=(self.columns, 24)) as pilot:
                if at_s is not None:
                    app.action_move(at_s)
                await pilot.press(*keys)
                await pilot.pause()
                return app.export_screenshot(title="nightside top")

        self._write(name, re.sub(r"terminal-\d+", name, asyncio.run(look())))

    def _write(self, name: str, svg: str) -> None:
        """Write a picture that loads nothing from elsewhere and ends its lines cleanly."""
        svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
        svg = svg.replace("Fira Code, monospace", "monospace").replace(
            "font-family: arial", "font-family: sans-serif"
        )
        svg = "\n".join(line.rstrip() for line in svg.splitlines() if line.strip())
        (self.out / f"{name}.svg").write_text(svg + "\n", encoding="utf-8")
        print(self.out / f"{name}.svg")


def wait_for(status: Path, t_s: float) -> None:
    """Return when a running daemon's status tells of a time."""
    end_s = time.monotonic() + WAIT_S
    while time.monotonic() < end_s:
        if status.is_file():
            view = json.loads(status.read_text(encoding="utf-8")).get("view")
            if view and view["t_s"] >= t_s:
                return
        time.sleep(0.2)
    raise SystemExit(f"{status}: not at {t_s} s within {WAIT_S} s")


def live(captures: Captures) -> None:
    """Take the pictures of a daemon that runs in real time."""
    folder = captures.folder
    daemon = captures.start("run", str(CONFIG), "--out", "flights/run", "--duration", "90s")
    try:
        wait_for(folder / "flights/run/status.json", LIVE_S)
        captures.text("status", "status")
        captures.top("top", RunSource(folder / "flights/run"), "r")
    finally:
        daemon.terminate()
        daemon.communicate()


def flown(captures: Captures) -> None:
    """Take the pictures of flights in virtual time: they change only when the product does."""
    folder = captures.folder
    (folder / "trouble.toml").write_text(SCENARIO, encoding="utf-8")
    captures.run(
        "sim", "--scenario", "trouble.toml", "--duration", f"{TROUBLE_S}s", "--out", TROUBLE,
        "--json",
    )  # fmt: skip
    captures.text("faults", "faults", "--run", TROUBLE, rows=26)
    captures.text("faults-one", "faults", "--id", "rail.latch_up", "--run", TROUBLE)
    said = captures.run("sim", with_progress=True)  # into ORBIT
    if captures.out == PICTURES:
        write_readme(Text.from_ansi(said).plain)
    captures.text("explain", "explain", ORBIT, "--at", "4302s")
    recording = RecordingSource(folder / ORBIT / "recording.db")
    captures.top("top-recording", recording, at_s=2602.0)
    said = captures.run("plot", ORBIT, "--channels", *PLOT, "--out", str(captures.out / "plot.png"))
    print(said, end="")
    altitudes = ("550", "600", "650", "1400")
    captures.run("orbit", "--altitude", *altitudes, "--out", str(captures.out / "orbit.png"))
    report_picture(folder / ORBIT / "report.html", captures.out / "report.png")
    for node in OTHER_NODES:
        flight = f"flights/{node}_orbit"
        captures.run("sim", "--scenario", str(SCENARIOS / f"{node}_orbit.toml"), "--out", flight)
        report_picture(folder / flight / "report.html", captures.out / f"report-{node}.png")


def report_picture(report: Path, out: Path) -> None:
    """Take the head of a report as a browser shows it, the mouse over a plot."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of this picture alone

    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        print(f"no {out.name}: there is no browser; install with: sudo apt-get install chromium")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1500}, color_scheme="light")
        page.goto(report.resolve().as_uri())
        over = page.locator('[data-panel="core"] .u-over')
        box = over.bounding_box() or {}
        page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"])
        page.screenshot(path=out)
        browser.close()
    print(out)


def write_readme(said: str) -> None:
    """Put what the default flight printed into the README, with two lines of its way there."""
    way = [line for line in said.splitlines() if line.startswith("[")]
    shown = [line for line in way if " 30%" in line or " 40%" in line]
    report = [line.rstrip() for line in said.splitlines() if line not in way]
    block = "\n".join(["```text", "$ make sim", *shown, *report, "```"])
    text = README.read_text(encoding="utf-8")
    head, _, rest = text.partition(f"{MARKS[0]}\n")
    _, _, tail = rest.partition(f"\n{MARKS[1]}")
    README.write_text(f"{head}{MARKS[0]}\n{block}\n{MARKS[1]}{tail}", encoding="utf-8")
    print(README)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--columns", type=int, default=80)
    parser.add_argument("--out", type=Path, default=PICTURES)
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="nightside-captures-") as name:
        captures = Captures(Path(name), out, arguments.columns)
        live(captures)
        flown(captures)


if __name__ == "__main__":
    main()
