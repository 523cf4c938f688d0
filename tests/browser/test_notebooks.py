"""The course in a real JupyterLab: every notebook runs through, and its widgets answer keys."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import ipywidgets
import nbformat
import numpy as np
import pytest
import torch
from PIL import Image

from indexnet_edu.paths import asset
from indexnet_edu.viz import widgets
from indexnet_edu.viz.widgets import LessonWidget
from tests.browser.chromium import find_chromium
from tests.browser.lab import CHROMIUM_ARGUMENTS, Lab, LabPage, start_lab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
NOTEBOOKS = sorted(asset("notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with start_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


# Of the module, not of the session: while Playwright runs, nothing else in this process may use
# asyncio or start Playwright.
@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        yield browser.new_context(viewport={"width": 1280, "height": 900}, service_workers="block")
        browser.close()


def smoke_copy(path: Path, lab: Lab) -> str:
    import papermill

    papermill.execute_notebook(
        path,
        lab.folder / path.name,
        parameters={"profile": "smoke"},
        prepare_only=True,
        progress_bar=False,
    )
    lab.trust(path.name)
    return path.name


def without_text(page: Any) -> list[str]:
    """The pictures in outputs that a screen reader can say nothing about."""
    return page.evaluate(
        """() => [
            ...[...document.querySelectorAll('.jp-OutputArea-output img')]
                .filter(img => !img.alt.trim()),
            ...[...document.querySelectorAll('.jp-OutputArea-output svg[role=img]')]
                .filter(svg => !svg.getAttribute('aria-label')?.trim()),
        ].map(element => element.outerHTML.slice(0, 200))"""
    )


def faint_callouts(page: Any) -> list[str]:
    """Callouts with less than WCAG's 4.5:1 between text and ground, in the theme that is on."""
    return page.evaluate(
        """() => {
            const rgba = colour => colour.match(/[\\d.]+/g).map(Number);
            const light = colour => rgba(colour).slice(0, 3)
                .map(v => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4)
                .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0.05);
            const ground = element => {
                const colour = getComputedStyle(element).backgroundColor;
                return rgba(colour)[3] === 0 ? ground(element.parentElement) : colour;
            };
            return [...document.querySelectorAll('.alert')].filter(box => {
                const pair = [light(getComputedStyle(box).color), light(ground(box))];
                return Math.max(...pair) / Math.min(...pair) < 4.5;
            }).map(box => box.textContent.trim().slice(0, 60));
        }"""
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_through(path: Path, lab: Lab, context: Any):
    with LabPage(context, lab, smoke_copy(path, lab)) as tab:
        tab.run_all()
        code = [c for c in tab.cells() if c["cell_type"] == "code" and "".join(c["source"]).strip()]
        failed = [
            f"{cell['id']}: {output['ename']}: {output['evalue']}"
            for cell in code
            for output in cell["outputs"]
            if output["output_type"] == "error"
        ]
        assert failed == []
        assert [cell["id"] for cell in code if not cell["execution_count"]] == []
        for light in (True, False):
            tab.theme(light)
            tab.screenshots(SCREENSHOTS / f"{path.stem}_{'light' if light else 'dark'}")
            assert faint_callouts(tab.page) == []
        assert without_text(tab.page) == []
        assert tab.errors == []
        assert tab.elsewhere == []


WIDGETS: list[type[LessonWidget[Any]]] = [
    widgets.IndexFunctionExplorer,
    widgets.NormalisationLab,
    widgets.IndexMapExplorer,
    widgets.UpsamplerMicroscope,
    widgets.FamilyCalculator,
    widgets.TrimapPainter,
]
# In command mode JupyterLab moves, inserts, cuts, pastes, converts or opens cells with them.
SHORTCUTS = ("ArrowDown", "ArrowUp", "a", "b", "j", "k", "m", "x", "v", "z", "1", "Enter")


@pytest.fixture(scope="module")
def gallery(lab: Lab, context: Any) -> Iterator[LabPage]:
    """A notebook with every widget in a cell of its own."""
    new = nbformat.v4
    lines = ["from indexnet_edu.viz.widgets import *", *(f"{w.__name__}()" for w in WIDGETS)]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = new.new_notebook(
        cells=[new.new_code_cell(line) for line in lines], metadata={"kernelspec": kernel}
    )
    nbformat.write(notebook, lab.folder / "widgets.ipynb")
    lab.trust("widgets.ipynb")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the kernel: pictures are compared to the last digit
    with LabPage(context, lab, "widgets.ipynb") as tab:
        tab.run_all()
        yield tab
    torch.set_num_threads(threads)


class Shown:
    """A widget in the page, and its twin in this process, which is never shown."""

    def __init__(self, tab: LabPage, widget: type[LessonWidget[Any]]) -> None:
        self.tab = tab
        self.twin = widget()
        self.cell = tab.page.locator(".jp-CodeCell").filter(has_text=f"{widget.__name__}()")
        self.picture = self.cell.locator(".widget-html-content").last
        self.uid = self.picture.locator("> div").get_attribute("class")
        self.controls = dict(self.twin.controls)
        if isinstance(self.twin, widgets.FamilyCalculator):
            self.controls = {"preset": self.twin.preset, **self.controls}

    def focus(self, control: ipywidgets.Widget) -> Any:
        """Focuses the part of a control that takes the keys."""
        label = self.tab.page.locator(
            "label", has_text=re.compile(f"^{re.escape(control.description)}$")
        )
        kinds = (".widget-slider", ".widget-text", ".widget-toggle-buttons", ".widget-dropdown")
        root = self.cell.locator(", ".join(kinds))
        part = root.filter(has=label).locator(".noUi-handle, input, button.mod-active, select")
        part.focus()
        return part

    def change(self, control: ipywidgets.Widget) -> bool:
        """To the next value by key in the page, by assignment in the twin; False: there is none."""
        if hasattr(control, "options"):
            values = [
                option[1] if isinstance(option, tuple) else option for option in control.options
            ]
            at = values.index(control.value)
            if len(values) == 1:
                return False
            forward = at + 1 < len(values)
            value = values[at + 1 if forward else at - 1]
        else:
            forward = control.value < control.max
            value = control.value + (1 if forward else -1)
        part = self.focus(control)
        if isinstance(control, ipywidgets.ToggleButtons):
            self.tab.page.keyboard.press("Tab" if forward else "Shift+Tab")
            self.tab.page.keyboard.press("Space")
        elif isinstance(control, ipywidgets.Dropdown):
            part.press("ArrowDown" if forward else "ArrowUp")  # a list is read downwards
        else:
            part.press("ArrowUp" if forward else "ArrowDown")
        control.value = value
        return True

    def wait_for_expected(self) -> None:
        """Waits until the picture is what a pure render of the twin's state gives."""
        expected = self.twin.render(self.twin.state(), self.uid)
        self.tab.page.wait_for_function(
            """([picture, html]) => {
                const copy = document.createElement('div');  // the browser's own way to write it
                copy.innerHTML = html;
                return picture.innerHTML == copy.innerHTML;
            }""",
            arg=[self.picture.element_handle(), expected],
            timeout=30_000,
        )


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.__name__)
def test_every_control_of_a_widget_answers_the_keyboard(gallery, widget):
    shown = Shown(gallery, widget)
    shown.wait_for_expected()
    for name, control in shown.controls.items():
        shown.focus(control)
        place = gallery.place()
        if shown.change(control):
            shown.wait_for_expected()
        assert gallery.place() == place, name
    assert without_text(gallery.page) == []
    assert gallery.errors == []
    assert gallery.elsewhere == []


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.__name__)
def test_a_picture_follows_the_key_at_once(gallery, widget, capsys):
    shown = Shown(gallery, widget)
    sliders = (ipywidgets.SelectionSlider, ipywidgets.IntSlider)
    control = [c for c in shown.controls.values() if isinstance(c, sliders)][-1]
    part = shown.focus(control)
    gallery.page.evaluate(
        """([control, picture]) => {
            window.times = [];
            let pressed = null;
            control.addEventListener('keydown', () => { pressed = performance.now(); }, true);
            new MutationObserver(() => requestAnimationFrame(() => {
                if (pressed != null) window.times.push(performance.now() - pressed);
                pressed = null;
            })).observe(picture, {childList: true, subtree: true});
        }""",
        [part.element_handle(), shown.picture.element_handle()],
    )
    low = int(float(part.get_attribute("aria-valuenow"))) == int(
        float(part.get_attribute("aria-valuemin"))
    )
    for n in range(20):
        part.press("ArrowRight" if (n % 2 == 0) == low else "ArrowLeft")
        gallery.page.wait_for_function(f"window.times.length > {n}")
    times = gallery.page.evaluate("window.times")
    with capsys.disabled():
        print(f"\n{widget.__name__}: key to picture {median(times):.0f} ms, median of {len(times)}")
    assert median(times) < 1000  # at most what still feels like an answer, on a busy machine


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.__name__)
def test_no_key_leaves_a_widget(gallery, widget):
    shown = Shown(gallery, widget)
    for name, control in shown.controls.items():
        part = shown.focus(control)
        place = gallery.place()
        for key in SHORTCUTS:
            part.press(key)
            assert gallery.place() == place, f"{name}: JupyterLab took {key}"


def test_the_mouse_paints_a_trimap_and_undo_takes_it_back(gallery):
    gallery.run_all()
    shown = Shown(gallery, widgets.TrimapPainter)
    shown.wait_for_expected()
    before = shown.picture.inner_html()
    shown.picture.scroll_into_view_if_needed()
    box = shown.picture.locator("image").bounding_box()
    factor = box["width"] / 113  # the sample is 113 pixels wide
    mouse = gallery.page.mouse
    for n, (column, row) in enumerate([(100, 50), (104, 60), (90, 70)]):
        mouse.move(box["x"] + factor * (column + 0.5), box["y"] + factor * (row + 0.5), steps=3)
        if n == 0:
            mouse.down()
    assert shown.picture.locator("polyline").count() == 1  # seen before the kernel answers
    mouse.up()
    gallery.page.wait_for_function(
        "([picture, before]) => picture.innerHTML != before && !picture.querySelector('polyline')",
        arg=[shown.picture.element_handle(), before],
    )
    shown.cell.locator("button", has_text="undo").click()
    shown.wait_for_expected()
    assert gallery.errors == []
    assert gallery.elsewhere == []


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


RAMP = Image.linear_gradient("L")  # 256×256
DEEP = Image.fromarray(np.asarray(RAMP) * np.uint16(257))
GLASS = Image.merge("LA", (RAMP, RAMP.rotate(90)))
#: What learners choose → file name, its bytes, and the words that answer it.
FILES = {
    "a good one": ("good.png", encoded(RAMP), "middle square, 128×128"),
    "no image": ("notes.png", b"no image at all", "no image that can be read"),
    "1×1": ("dot.png", encoded(Image.new("L", (1, 1))), "only 1×1 pixels"),
    "16 bits": ("deep.png", encoded(DEEP), "more than 8 bits"),
    "CMYK": ("print.jpg", encoded(RAMP.convert("CMYK"), "JPEG"), "CMYK converted to RGB"),
    "alpha": ("glass.png", encoded(GLASS), "transparency laid on white"),
    "palette": ("palette.png", encoded(RAMP.convert("P")), "palette converted to RGB"),
    "animated": (
        "film.gif",
        encoded(RAMP, "GIF", save_all=True, append_images=[RAMP.rotate(90), RAMP.rotate(180)]),
        "first of 3 frames",
    ),
    "50 megapixels": ("huge.png", encoded(Image.new("L", (10_000, 5_000))), "10000×5000"),
}


@pytest.mark.parametrize(
    "widget", [widgets.IndexMapExplorer, widgets.UpsamplerMicroscope], ids=lambda w: w.__name__
)
def test_ones_own_file_by_a_click(gallery, widget):
    """Whatever is chosen is taken or refused in one line, and the widget answers its keys."""
    gallery.run_all()  # new widgets, as their twins are
    shown = Shown(gallery, widget)
    chooser = shown.twin.chooser
    button = shown.cell.locator(".widget-upload")
    message = shown.cell.locator(".widget-html-content").nth(1)
    place = gallery.place()
    for kind, (name, data, words) in FILES.items():
        with gallery.page.expect_file_chooser() as opened:
            button.click()
        opened.value.set_files({"name": name, "mimeType": "image/png", "buffer": data})
        file = {"name": name, "type": "image/png", "size": len(data), "last_modified": 0}
        chooser.upload.set_state({"value": [file | {"content": memoryview(data)}]})
        message.filter(has_text=words).wait_for()
        assert message.locator("p").count() == 1, kind
        refused = message.locator("[role=alert]").count() == 1
        assert refused == (kind in ("no image", "1×1")), kind
        shown.wait_for_expected()
        assert shown.change(chooser.control)
        shown.wait_for_expected()
        active = {"active": gallery.place()["active"]}  # a click chooses the widget's cell
        assert gallery.place() == place | active, kind
    assert gallery.errors == []
    assert gallery.elsewhere == []
