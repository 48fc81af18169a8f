"""The page of a run, opened from disk in a browser."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pages.conftest import Page

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("errors")]

TEST = """
import numpy as np, pytest, rnn_goldens

@pytest.mark.rnn_goldens(
    ids=["rnn-tanh/*", "exact/plain", "exact/with-state", "exact/square"],
    without=["multilayer", "bidirectional", "lengths", "unbatched", "long"],
    dtypes=["float64", "float32"],
)
def test_my_rnn(rnn_golden):
    if rnn_golden.id == "exact/with-state":
        raise rnn_goldens.Unsupported("no <b>state</b>")
    if rnn_golden.id == "exact/square":
        raise RuntimeError("kernel <script>window.broken = true</script> failed")
    w, h, out = rnn_golden.weights_as("textbook"), rnn_golden.h0[0], []
    f = np.tanh if rnn_golden.cell == "rnn_tanh" else lambda v: np.maximum(v, 0)
    W_hh = w["W_hh"].T if rnn_golden.cell == "rnn_tanh" else w["W_hh"]
    for t in range(rnn_golden.x.shape[1]):
        h = f(rnn_golden.x[:, t] @ w["W_xh"] + h @ W_hh + w.get("b", 0))
        out.append(h if rnn_golden.id != "exact/plain" or t else np.where(np.arange(h.shape[1]), h + 2, np.nan))
    rnn_golden.check(np.stack(out, axis=1), h[None])
"""
TRANSPOSED = "w_hh_transposed"
LEFT, RIGHT, DOWN = "\ue012", "\ue014", "\ue015"  # the arrow keys of WebDriver


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "test_my_rnn.py").write_text(TEST)
    (folder / "known.txt").write_text("rnn-tanh/plain-float64 # a <i>reason</i>\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    options = ["-p", "rnn_goldens", "--rnn-goldens-report=report.html", "--rnn-goldens-known-failures=known.txt"]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options],
        cwd=folder,
        env=environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        check=False,
    )
    return folder / "report.html"


@pytest.fixture
def page(browser: Any, report: Path) -> Page:
    return Page(browser, report).open()


def test_causes_come_first(page: Page) -> None:
    first = page.browser.find_element("css selector", "main > section")
    assert first.get_attribute("id") == "causes"
    causes = [article.text for article in first.find_elements("css selector", "article")]
    assert "explained" in causes[0]
    assert f"{TRANSPOSED}: Multiplies by the transpose of each gate's W_hh." in causes[0]
    assert f"rnn-goldens explain {TRANSPOSED}" in causes[0]
    (crash,) = [cause for cause in causes if "no outputs" in cause]
    assert "kernel <script>window.broken = true</script> failed" in crash


def test_texts_do_not_run_as_scripts(page: Page) -> None:
    page.open_failures(100)
    assert page.run("return window.broken") is None
    assert page.run("return document.querySelectorAll('main i:not(.scale i), pre b, li > i').length") == 0
    assert page.run("return performance.getEntriesByType('resource').length") == 0


def test_filters_show_only_the_selection(page: Page) -> None:
    everything = page.shown()
    assert {one.rpartition(" ")[2] for one in everything} == {"float64", "float32"}
    before = page.table("by-cell")
    page.choose(dtype="float32")
    assert page.shown() == [one for one in everything if one.endswith("float32")]
    assert page.table("by-cell")["rnn_tanh"][0] == ""
    assert page.table("by-cell")["rnn_tanh"][1] == before["rnn_tanh"][1] != ""
    page.choose(text="square", cell="rnn_relu")
    assert page.shown() == ["exact/square float32"]
    assert page.run("return document.getElementById('shown').textContent") == f"1 of {len(everything)} failures"
    page.browser.find_element("css selector", "button[type=reset]").click()
    page.run("await new Promise((done) => setTimeout(done, 20))")
    assert page.shown() == everything
    assert page.table("by-cell") == before


def test_filters_select_by_feature_and_outcome(page: Page) -> None:
    everything = page.table("by-cell")
    page.choose(feature="state")
    with_state = page.shown()
    assert set(page.table("by-cell")) == set(everything)
    assert page.table("by-cell") != everything
    page.choose(cell="rnn_tanh")
    assert page.table("by-feature")["state"] == page.table("by-cell")["rnn_tanh"]
    assert "rnn-tanh/with-state float32" in with_state
    assert not any("one-step " in one for one in with_state)
    page.choose(feature="", cell="", outcome="known-failure")
    assert page.shown() == ["rnn-tanh/plain float64"]
    assert page.table("by-cell") == {"rnn_tanh": ["◇ 1", ""]}
    page.choose(outcome="refused")
    assert page.table("by-cell") == {"rnn_relu": ["⊘ 1", "⊘ 1"]}


def test_a_cause_and_a_table_cell_link_to_their_goldens(page: Page) -> None:
    assert "exact/plain float64" in page.shown()
    page.browser.find_element("css selector", ".show").click()
    explained = page.shown()
    assert explained
    assert all(one.startswith("rnn-tanh/") for one in explained)
    page.browser.find_element("css selector", "button[type=reset]").click()
    page.run("await new Promise((done) => setTimeout(done, 20))")
    page.run("document.querySelector('#by-feature .count').click()")
    assert page.run("return document.getElementById('filters').elements.feature.value") == "bias"
    assert page.run("return document.getElementById('filters').elements.dtype.value") == "float64"


COLOURS = """
return [...document.querySelectorAll('.failure[open] canvas')].map((canvas) => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height), seen = new Set();
  for (let i = 0; i < data.length; i += 4) if (data[i + 3]) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
  return [...seen];
})
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_are_drawn(page: Page, scheme: str) -> None:
    page.open(scheme=scheme).choose(text="rnn-tanh/no-bias-with-state", dtype="float64")
    page.open_failures()
    heat, lines = page.run(COLOURS)
    assert "255,234,70" in heat  # the largest error: cividis' last colour
    want, got = {"light": ("0,114,178", "194,74,0"), "dark": ("86,180,233", "255,169,77")}[scheme]
    assert {want, got} <= set(lines)


def test_a_picture_has_a_text_description(page: Page) -> None:
    page.choose(text="exact/plain", dtype="float32")
    page.open_failures()
    heat = page.browser.find_element("css selector", ".failure[open] .plot")
    assert heat.get_attribute("role") == "img"
    assert "NaN or infinite at time step 0, unit 0" in str(heat.get_attribute("aria-label"))
    caption = page.browser.find_element("css selector", ".failure[open] figcaption")
    heat.send_keys(RIGHT)
    heat.send_keys(RIGHT)
    heat.send_keys(DOWN)
    assert caption.text == "time step 1, unit 1: off by 0"
    heat.send_keys(LEFT)
    assert caption.text == "time step 0, unit 1: off by 2"
    legend = page.browser.find_element("css selector", ".failure[open] .scale").text
    assert "absolute; this golden is exact, its tolerance is zero" in legend
    assert "NaN or infinite" in legend


def test_every_control_is_reached_with_the_keyboard(page: Page) -> None:
    body = page.browser.find_element("tag name", "body")
    reached = set()
    for _ in range(25):
        body.send_keys("\ue004")
        active = page.browser.switch_to.active_element
        reached.add(active.get_attribute("name") or active.tag_name)
        outline = page.run("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", active.tag_name
    assert {"summary", "button", "cell", "feature", "dtype", "outcome", "text"} <= reached
    labels = "return [...document.querySelectorAll('select, input')].every((one) => one.labels.length === 1)"
    assert page.run(labels)


def test_the_command_is_copied(page: Page) -> None:
    page.choose(text="no-bias-with-state", dtype="float64")
    page.open_failures()
    command = page.browser.find_element("css selector", ".failure[open] .command")
    expected = "pytest 'test_my_rnn.py::test_my_rnn[rnn-tanh/no-bias-with-state-float64]' "
    code = command.find_element("tag name", "code")
    assert code.text.startswith(expected)
    assert "--rnn-goldens-known-failures=known.txt" in code.text
    button = command.find_element("tag name", "button")
    button.click()
    page.run("await new Promise((done) => setTimeout(done, 50))")
    assert button.text == "Copied"
    page.run("navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = () => false")
    button.click()
    page.run("await new Promise((done) => setTimeout(done, 50))")
    assert button.text == "Press Ctrl+C"
    assert page.run("return getSelection().toString()") == code.text


@pytest.mark.parametrize("width", [360, 1280])
def test_no_width_needs_horizontal_scrolling(page: Page, width: int) -> None:
    page.open(width)
    page.open_failures(30)
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    assert page.run("return [...document.querySelectorAll('.wide')].every((one) => one.scrollWidth <= one.clientWidth)")


MIN_CONTRAST = r"""
const light = (rgb) => {
  const [r, g, b] = rgb.match(/[\d.]+/g).map((n) => n / 255)
    .map((n) => n <= 0.03928 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (one) => {
  for (; one; one = one.parentElement) {
    const back = getComputedStyle(one).backgroundColor;
    if (!back.startsWith('rgba(0, 0, 0, 0')) return back;
  }
};
const hasText = (one) => one.offsetParent
  && [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
const found = [...document.querySelectorAll('body *')].filter(hasText).map((one) => {
  const [a, b] = [light(getComputedStyle(one).color), light(behind(one))];
  return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), one.outerHTML.slice(0, 80)];
});
return found.sort((a, b) => a[0] - b[0])[0]
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_sufficient_contrast(page: Page, scheme: str) -> None:
    page.open(scheme=scheme)
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    contrast, where = page.run(MIN_CONTRAST)
    assert contrast >= 4.5, where  # WCAG AA
