"""The page in a real Chromium: what is pressed is on disk, whatever happens to the server, and no review runs code."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SCRIPT = """\
import logging, sys
from pathlib import Path
from labeler.data.types.task import Label
from labeler.reports.annotate.server import serve
second = Path(sys.argv[2]) if len(sys.argv) > 2 else None
labels = [Label(name="negative", description="Bad things."), Label(name="positive", description="Good things.")]
logging.basicConfig(stream=sys.stdout, format="%(message)s")
logging.getLogger("labeler").setLevel(logging.INFO)
serve(Path(sys.argv[1]), labels, second=second)
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on the PATH")]

Serve = Callable[..., tuple[str, "subprocess.Popen[str]"]]
Page = Any


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture
def serving() -> Iterator[Serve]:
    """Start the page of a file in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def serve(*files: Path) -> tuple[str, subprocess.Popen[str]]:
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, *map(str, files)], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        found = (re.search(r"http://\S+", line) for line in process.stdout)
        return next(address[0] for address in found if address), process

    yield serve
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def page(browser: Any) -> Iterator[Page]:
    """Open an empty tab; the test fails if the page throws, or breaks its own content policy."""
    context = browser.new_context()
    tab = context.new_page()
    tab.set_default_timeout(15_000)
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    yield tab
    assert errors == []
    context.close()


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    saved(page)
    return page


def saved(page: Page) -> None:
    page.wait_for_selector("#saved[data-state=saved]:has-text('Saved')")


def labels(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row["label"] for row in csv.DictReader(file)]


def twenty(tmp_path: Path) -> Path:
    path = tmp_path / "twenty.csv"
    path.write_text("id,text,label,note\n" + "".join(f"r{i},пікір {i},,\n" for i in range(20)), encoding="utf-8")
    return path


def test_twenty_labels_by_keyboard_survive_a_killed_server(tmp_path: Path, page: Page, serving: Serve) -> None:
    path = twenty(tmp_path)
    address, process = serving(path)
    opened(page, address)
    for press in range(20):
        page.keyboard.press("12"[press % 2])
    page.wait_for_selector("text=All reviews are labelled")
    saved(page)
    process.kill()
    process.wait()
    wanted = ["negative", "positive"] * 10
    assert labels(path) == wanted
    opened(page, serving(path)[0])
    assert page.text_content("#count") == "20 / 20 labelled"
    assert labels(path) == wanted
    assert [file.name for file in tmp_path.iterdir() if file.name.endswith("tmp")] == []


def test_what_a_killed_server_did_not_save_is_shown_as_such(tmp_path: Path, page: Page, serving: Serve) -> None:
    path = twenty(tmp_path)
    address, process = serving(path)
    opened(page, address).keyboard.press("1")
    saved(page)
    process.kill()
    process.wait()
    page.keyboard.press("2")
    page.wait_for_selector("#saved[data-state=problem]")
    assert page.text_content("#unsaved") == "r1: positive"
    assert page.text_content("#count") == "1 / 20 labelled"
    page.keyboard.press("1")  # refused, and said so
    page.wait_for_selector("#toast:has-text('Not taken')")
    assert page.text_content("#id") == "r2"
    assert labels(path)[:3] == ["negative", "", ""]


def test_all_keys(tmp_path: Path, page: Page, serving: Serve) -> None:
    path = twenty(tmp_path)
    opened(page, serving(path)[0])
    page.keyboard.press("Space")
    page.keyboard.press("2")
    page.keyboard.press("n")
    page.keyboard.type("=not sure 1 2 u")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    saved(page)
    assert labels(path)[:4] == ["", "positive", "negative", ""]
    page.keyboard.press("u")
    page.wait_for_selector("#id:text-is('r2')")
    assert labels(path)[:4] == ["", "positive", "", ""]
    assert page.input_value("#note") == "=not sure 1 2 u"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("0")
    saved(page)
    assert labels(path)[:4] == ["", "", "", ""]
    page.reload()
    saved(page)
    assert page.text_content("#id") == "r1"  # r0 stays skipped
    page.keyboard.press("u")  # of before the reload
    page.wait_for_selector("#count:has-text('1 / 20 labelled')")  # r1 was shown already
    saved(page)
    assert page.text_content("#id") == "r1"
    assert labels(path)[:4] == ["", "positive", "", ""]
    page.select_option("#filter", "skipped")
    assert page.text_content("#place") == "1 of 1 · skipped"
    page.select_option("#filter", "all")
    page.keyboard.press("/")
    page.keyboard.type("ПІКІР 17")
    assert page.text_content("#id") == "r17"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.is_visible("dialog")
    page.keyboard.press("2")  # not taken while the keys are shown
    page.keyboard.press("Escape")
    assert labels(path)[17] == ""


def test_keys_of_a_kazakh_keyboard_count_by_their_place(tmp_path: Path, page: Page, serving: Serve) -> None:
    path = twenty(tmp_path)
    opened(page, serving(path)[0])
    press = "([key, code]) => document.body.dispatchEvent(new KeyboardEvent('keydown', {key, code, bubbles: true}))"
    page.evaluate(press, ["ә", "Digit2"])
    saved(page)
    assert labels(path)[0] == "positive"
    page.evaluate(press, ["г", "KeyU"])
    page.wait_for_selector("#id:text-is('r0')")
    assert labels(path)[0] == ""


def test_two_windows_on_one_file(tmp_path: Path, page: Page, serving: Serve) -> None:
    path = twenty(tmp_path)
    address, _ = serving(path)
    other = opened(page.context.new_page(), address)
    opened(page, address).keyboard.press("1")
    saved(page)
    other.keyboard.press("2")
    other.wait_for_selector("#toast:has-text('another window')")
    assert labels(path)[0] == "negative"
    assert other.get_attribute("button[data-label=negative]", "aria-pressed") == "true"
    other.keyboard.press("2")  # knowing the newer answer, it may be changed
    saved(other)
    assert labels(path)[0] == "positive"


def test_skips_survive_a_killed_server_and_can_be_looked_through(tmp_path: Path, page: Page, serving: Serve) -> None:
    path = twenty(tmp_path)
    address, process = serving(path)
    opened(page, address)
    for key in ("1", "Space", "Space", "2"):
        page.keyboard.press(key)
    saved(page)
    process.kill()
    process.wait()
    opened(page, serving(path)[0])
    assert page.text_content("#count") == "2 / 20 labelled, 2 skipped"
    assert page.text_content("#id") == "r4"  # the first that nothing was done with
    page.select_option("#filter", "skipped")
    page.keyboard.press("2")
    saved(page)
    assert page.text_content("#count") == "3 / 20 labelled, 1 skipped"
    assert labels(path)[:5] == ["negative", "positive", "", "positive", ""]


def test_the_done_button_saves_and_ends(tmp_path: Path, page: Page, serving: Serve) -> None:
    path = twenty(tmp_path)
    address, process = serving(path)
    opened(page, address).keyboard.press("1")
    page.keyboard.press("n")
    page.keyboard.type("typed just now")
    page.click("#done")
    page.wait_for_selector("text=Everything is saved")
    assert process.wait(timeout=20) == 0
    assert labels(path)[:2] == ["negative", ""]
    assert "typed just now" in path.read_text(encoding="utf-8")


def test_a_dispute_is_settled(tmp_path: Path, page: Page, serving: Serve) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("id,text,label,note\na,A,positive,\nb,B,positive,mine\nc,C,negative,\n", encoding="utf-8")
    second.write_text("id,text,label\nc,C,negative\nb,B,negative\na,A,positive\n", encoding="utf-8")
    address, process = serving(first, second)
    opened(page, address)
    page.select_option("#filter", "dispute")
    assert "67 % of 3 reviews, Cohen’s kappa 0.40" in " ".join(page.inner_text("#agreement").split())
    assert page.inner_text("#annotations").split("\n") == ["This file: positive", "Second: negative"]
    page.keyboard.press("1")
    saved(page)
    assert labels(first) == ["positive", "negative", "negative"]
    assert ",negative,mine" in first.read_text(encoding="utf-8")
    page.select_option("#filter", "all")
    assert page.locator("#filter option", has_text="In dispute (0)").count() == 1
    process.kill()
    process.wait()
    opened(page, serving(first, second)[0])
    assert page.locator("#filter option", has_text="In dispute (0)").count() == 1
    assert page.locator("#filter option", has_text="Settled (1)").count() == 1
    agreement = " ".join(page.text_content("#agreement").split())
    assert "before settling: 67 % of 3 reviews, Cohen’s kappa 0.40" in agreement  # not 1: they did not agree


HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "<img src='http://127.0.0.1:1/leak'><svg onload=alert(3)><iframe srcdoc='<script>alert(4)</script>'></iframe>",
    "\u202eevil \u2066text\x07 {{ 7 * 7 }} ${alert(5)}",
    "</textarea></script><script>fetch('http://127.0.0.1:1/leak')</script>",
    "🍯" * 500_000,  # a million of what JavaScript counts
]


def test_a_hostile_review_executes_nothing(tmp_path: Path, page: Page, serving: Serve) -> None:
    path = tmp_path / "<b>hostile.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text", "label", "note"])
        rows.writerows([f"<i>{i}</i>", text, "", text[:200]] for i, text in enumerate(HOSTILE))
    seen: list[str] = []
    page.on("dialog", lambda dialog: seen.append(dialog.message))
    address, _ = serving(path)
    page.on("request", lambda request: None if request.url.startswith((address, "data:")) else seen.append(request.url))
    opened(page, address)
    for text in HOSTILE:
        shown = page.text_content("#text")
        assert shown.startswith(re.sub("[\u202e\u2066\x07].*", "", text[:100]))
        assert page.locator("#text :not(span, div), #id *, h1 bdi *").count() == 0
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.click("text=Show all 500,000 characters")
    page.wait_for_selector("#more", state="hidden")
    assert page.evaluate("document.querySelector('#text').textContent.length") == 1_000_000
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#text .unsafe").all_text_contents() == ["U+202E", "U+2066", "U+0007"]
    page.keyboard.press("2")
    saved(page)
    assert seen == []


@pytest.mark.parametrize(("width", "height"), [(320, 568), (390, 844), (1280, 800)])
def test_it_fits_the_screen(tmp_path: Path, browser: Any, serving: Serve, width: int, height: int) -> None:
    path = tmp_path / ("long-name-" * 12 + ".csv")
    path.write_text(f"id,text\n{'x' * 200},{'verylongword' * 300}\n", encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": height}, has_touch=width < 800)
    page = opened(context.new_page(), serving(path)[0])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    targets = page.locator("button:visible, select:visible, input:visible, textarea:visible").all()
    sizes = [target.bounding_box() for target in targets]
    assert len(sizes) >= 9
    assert all(size["width"] >= 44 and size["height"] >= 44 for size in sizes)
    assert page.locator("button.label").last.bounding_box()["y"] < height - 44  # in sight without scrolling
    context.close()
