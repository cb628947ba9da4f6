"""A report in a real browser: it draws, it answers to mouse and keyboard, it asks nobody."""

import json
import math
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flight.report.writing import write_comparison, write_report
from tests.unit.report_flight import fly_short, record_node

FRAMES_MAX = 600  # of waiting for one effect: many seconds, so that a slow machine is no failure
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VALUE = re.compile(r"-?\d+(\.\d+)? °C")
# Pixels of a canvas in any colour of a line: axes and grid are of other colours.
INK = """plot => {
  const style = getComputedStyle(document.documentElement);
  const canvas = plot.querySelector("canvas"), size = [0, 0, canvas.width, canvas.height];
  const copy = Object.assign(document.createElement("canvas"), { width: size[2], height: size[3] })
    .getContext("2d", { willReadFrequently: true });
  const wanted = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => {
    copy.fillStyle = style.getPropertyValue(`--c${i}`).trim();
    copy.fillRect(0, 0, 1, 1);
    return [...copy.getImageData(0, 0, 1, 1).data];
  });
  copy.clearRect(...size);
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(...size);
  const isNear = (w, at) => [0, 1, 2].every((k) => Math.abs(w[k] - data[at + k]) < 3);
  let found = 0;
  for (let at = 0; at < data.length; at += 4)
    if (data[at + 3] > 250 && wanted.some((w) => isNear(w, at))) found++;
  return found;
}"""


@pytest.fixture(scope="module")
def flight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fly_short(tmp_path_factory.mktemp("browser"), with_report=True)


@pytest.fixture(scope="module")
def both(flight, tmp_path_factory: pytest.TempPathFactory) -> Path:
    other = fly_short(tmp_path_factory.mktemp("other"), seed=8)
    return write_comparison(flight, other, other.parent / "both.html")


@pytest.fixture(scope="module")
def browser(both) -> Iterator:  # flights first: playwright keeps an event loop in this thread
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("NOT RUN: there is no browser; install with: sudo apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("NOT RUN: there is no playwright; install with: pip install playwright")
    with sync_playwright() as playwright:
        # Its own sandbox needs rights that a container has not; the page is our own.
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, flight) -> Iterator:
    yield from _open(browser, flight / "report.html")


def _open(browser, path: Path, *, width: int = 1280, scheme: str = "light") -> Iterator:
    """A page, which at the end must have said and asked for nothing."""
    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.resolve().as_uri())
    page.wait_for_selector(".plot canvas")
    yield page
    page.close()
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [path.resolve().as_uri()]


def settle(page) -> None:
    """Two frames: events queued by what was just done have been handled, and drawn."""
    frame = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    page.evaluate(frame)


def until(page, is_so: Callable[[], object], what: object = "") -> None:
    """Wait for the effect of what was done: the browser handles it later."""
    for _ in range(FRAMES_MAX):
        if is_so():
            return
        settle(page)
    pytest.fail(f"never came: {what}")


def wait_drawn(page, what: object = "") -> None:
    """Wait until each plot has ink in the colours that the page has now."""
    for plot in page.locator(".plot").all():
        key = plot.get_attribute("data-panel")
        until(page, lambda plot=plot: plot.evaluate(INK) > 20, (what, key))


def legend(page, key: str) -> str:
    return page.locator(f'[data-panel="{key}"] .u-legend').inner_text()


def values(page, key: str) -> int:
    """How many values in degC the legend shows."""
    return len(VALUE.findall(legend(page, key)))


def time_at(page, key: str) -> float:
    """The time under the cursor; NaN: the cursor is elsewhere."""
    found = re.search(r"at:?\s*([\d.]+) s", legend(page, key))
    return float(found[1]) if found else math.nan


def hover(page, key: str, ratio: float = 0.5) -> None:
    """Put the mouse over a plot, until its cursor is there; ratio: how far from its left edge."""
    over = page.locator(f'[data-panel="{key}"] .u-over')

    def has_come() -> bool:
        over.scroll_into_view_if_needed()
        box = over.bounding_box()
        at = box["x"] + ratio * box["width"]
        page.mouse.move(at, box["y"] + 0.5 * box["height"])
        settle(page)
        cursor = over.locator(".u-cursor-x").evaluate("line => line.getBoundingClientRect().left")
        is_still = over.bounding_box() == box  # else what scrolled the page was not over
        return is_still and abs(cursor - at) < 3.0 and not math.isnan(time_at(page, key))

    until(page, has_come, f"the cursor of {key}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_every_plot_is_drawn_and_nothing_sticks_out(browser, flight, scheme, width) -> None:
    for page in _open(browser, flight / "report.html", width=width, scheme=scheme):
        assert page.locator(".plot").count() > 15
        wait_drawn(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(16, 21, 28)")


def test_a_change_of_scheme_and_print_draw_again(opened) -> None:
    for media in ({"color_scheme": "dark"}, {"media": "print"}):
        opened.emulate_media(**media)
        wait_drawn(opened, media)


def test_hover_shows_values_with_units_in_all_plots_of_the_flight(opened) -> None:
    hover(opened, "core")
    until(opened, lambda: values(opened, "core") == 8)
    at_s = time_at(opened, "core")
    until(opened, lambda: time_at(opened, "flow") == at_s, "the other plots follow the cursor")
    assert "kg/s" in legend(opened, "flow")
    assert "maximum" in legend(opened, "reasons") or "ramp" in legend(opened, "reasons")


def test_what_hover_shows_is_what_was_recorded(opened, flight) -> None:
    hover(opened, "charge", 0.7)
    shown = float(re.search(r"([\d.]+) %", legend(opened, "charge"))[1])
    summary = json.loads((flight / "summary.json").read_text())["peaks"]
    assert 100.0 * summary["charge_ratio_min"] - 0.2 <= shown <= 90.2


def test_dragging_zooms_all_plots_in_step_and_a_button_undoes_it(opened) -> None:
    hover(opened, "core", 0.25)
    opened.mouse.down()
    hover(opened, "core", 0.5)
    opened.mouse.up()
    hover(opened, "flow", 0.02)
    until(opened, lambda: 35.0 < time_at(opened, "flow") < 50.0)
    hover(opened, "pumps", 0.98)
    until(opened, lambda: 75.0 < time_at(opened, "pumps") < 85.0)
    opened.click("#whole")
    hover(opened, "flow", 0.98)
    until(opened, lambda: time_at(opened, "flow") > 150.0)


def test_a_time_is_a_link_into_the_plots(opened, flight) -> None:
    closest = json.loads((flight / "summary.json").read_text())["properties"]["S5"]["closest"]
    at_s = closest["time_s"]
    opened.locator("#properties a", has_text=f"{at_s:.1f}").first.click()
    opened.wait_for_url("**#plots")
    hover(opened, "caps", 0.02)
    until(opened, lambda: at_s - 31.0 < time_at(opened, "caps") < at_s)


def test_every_link_of_the_page_leads_to_what_it_names(opened) -> None:
    for link in opened.locator("nav a").all():
        name = link.get_attribute("href").removeprefix("#")
        link.click()
        opened.wait_for_url(f"**#{name}")
        opened.locator(f"#{name} h2, #{name} .badge").first.wait_for(state="visible")
    opened.locator("#timeline a.fault").first.click(force=True)
    opened.wait_for_url("**#fault-pump_a_stop")
    opened.locator("#fault-pump_a_stop h3").wait_for(state="visible")


def test_plots_work_by_keyboard(opened) -> None:
    opened.locator('[data-panel="core"] .chart').focus()
    opened.keyboard.press("ArrowRight")
    until(opened, lambda: not math.isnan(time_at(opened, "core")))
    first_s = time_at(opened, "core")
    opened.keyboard.press("Shift+ArrowRight")
    until(opened, lambda: time_at(opened, "core") > first_s)
    opened.keyboard.press("+")
    opened.keyboard.press("Escape")
    until(opened, lambda: values(opened, "core") > 0)
    name = opened.locator('[data-panel="core"] .u-series th').nth(1)
    name.focus()
    for is_shown in ("false", "true"):
        opened.keyboard.press("Enter")
        until(opened, lambda want=is_shown: name.get_attribute("aria-pressed") == want, "hidden")


def test_the_table_of_values_holds_what_is_in_view(opened) -> None:
    table = '[data-panel="flow"] .values'
    opened.click(f"{table} summary")
    rows = opened.locator(f"{table} tbody tr")
    rows.first.wait_for()  # the browser says later that the table was opened
    assert 20 <= rows.count() <= 41 and "kg/s" in rows.nth(3).inner_text()
    opened.locator("#faults a[data-from]").first.click()

    def begins_s() -> float:
        return float(rows.first.locator("td").first.inner_text().split()[0])

    until(opened, lambda: begins_s() > 70.0, "the table follows the zoom")


def test_a_comparison_draws_both_flights(browser, both) -> None:
    for page in _open(browser, both):
        wait_drawn(page)
        hover(page, "core")
        until(page, lambda page=page: values(page, "core") == 2)


@pytest.mark.parametrize("width", [1280, 400])
def test_twenty_lines_are_all_drawn_and_told_apart(browser, tmp_path, width) -> None:
    path = write_report(record_node(tmp_path, accelerators=20))
    for page in _open(browser, path, width=width):
        wait_drawn(page)
        hover(page, "core")
        until(page, lambda page=page: values(page, "core") == 20)
        lines = page.locator('[data-panel="core"] .u-legend .u-marker').evaluate_all(
            "marks => marks.map(m => m.style.border)"
        )
        assert len(set(lines) - {""}) == 20, "each line has a colour and a dash of its own"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
