"""The twins in a real browser, without kernel or script: mouse, keyboard, both themes."""

from collections.abc import Iterator
from typing import Any

import pytest

from indexnet_edu.viz import Grid, figure_html, grid_row
from indexnet_edu.viz.widgets import (
    CalculatorState,
    ExplorerState,
    FamilyCalculator,
    IndexFunctionExplorer,
    IndexMapExplorer,
    LabState,
    MapState,
    MicroscopeState,
    NormalisationLab,
    TrimapPainter,
    UpsamplerMicroscope,
    sample_picture,
)
from indexnet_edu.viz.widgets.normalisation_lab import TEMPERATURES
from indexnet_edu.viz.widgets.trimap_painter import sample_state
from tests.browser.chromium import find_chromium

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(find_chromium()),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()


def open_page(browser: Any, body: str, style: str = "background:#fff;color:#000") -> Any:
    page = browser.new_page(viewport={"width": 1000, "height": 900}, java_script_enabled=True)
    page.route("**/*", lambda route: route.abort())  # nothing may be asked for
    page.set_content(f'<body style="{style};font-family:sans-serif">{body}</body>')
    return page


def shown(page: Any, uid: str, count: int) -> list[int]:
    return [n for n in range(count) if page.locator(f".{uid}-e{n}").is_visible()]


def test_the_explorer_answers_mouse_and_arrow_keys(browser):
    states = [ExplorerState("bilinear", 2, 0, 0), ExplorerState("deconv", 2, 3, 3)]
    body = "".join(
        IndexFunctionExplorer.render_static(state, f"ix{n}") for n, state in enumerate(states)
    )
    page = open_page(browser, body)
    assert shown(page, "ix0", 16) == [0]
    assert shown(page, "ix1", 16) == [15]
    page.locator(".ix0-c6").hover()
    assert shown(page, "ix0", 16) == [6]
    assert shown(page, "ix1", 16) == [15]  # two on one page do not disturb each other
    page.mouse.move(990, 890)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert shown(page, "ix0", 16) == [2]
    page.close()


def test_the_live_explorer_answers_the_mouse(browser):
    page = open_page(browser, IndexFunctionExplorer.render(ExplorerState(), "ix0"))
    assert shown(page, "ix0", 16) == [5]
    page.locator(".ix0-c10").hover()
    assert shown(page, "ix0", 16) == [10]
    page.close()


def test_the_lab_changes_its_temperature_by_key(browser):
    page = open_page(browser, NormalisationLab.render_static(LabState(), "ix0"))
    pictures = [page.locator(f".ix0-p{n}") for n in range(len(TEMPERATURES))]
    start = TEMPERATURES.index(1.0)
    assert [p.is_visible() for p in pictures].index(True) == start
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    assert [p.is_visible() for p in pictures].index(True) == start - 1
    page.close()


@pytest.fixture(scope="module")
def every_picture() -> str:
    camera = sample_picture()
    pictures = [
        IndexFunctionExplorer.render_static(ExplorerState("max_unpool", 3), "ix0"),
        IndexFunctionExplorer.render(ExplorerState("pixel_shuffle", 4), "ix1"),
        NormalisationLab.render(LabState(), "ix2"),
        IndexMapExplorer.render(MapState(camera, "holistic"), "ix3"),
        UpsamplerMicroscope.render(MicroscopeState(camera), "ix4"),
        FamilyCalculator.render(CalculatorState(), "ix5"),
        UpsamplerMicroscope.render(MicroscopeState(camera, ("s2d_d2s", "conv_carafe")), "ix6"),
        TrimapPainter.render(sample_state(), "ix7"),
        figure_html(grid_row([Grid([[1.5, -2]], "x"), "⊙", Grid([[0.25]])]), "grids", "caption"),
    ]
    return "".join(f"<div>{picture}</div>" for picture in pictures)


LIGHT = "background:#fff;color:#000"
DARK = "background:#111;--jp-ui-font-color1:rgba(255,255,255,0.87);color:#ddd"


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_takes_the_colour_of_the_page(browser, every_picture, theme):
    page = open_page(browser, every_picture, theme)
    wanted = "rgba(255, 255, 255, 0.87)" if theme == DARK else "rgb(0, 0, 0)"
    fills = page.eval_on_selector_all(
        "svg text", "texts => [...new Set(texts.map(t => getComputedStyle(t).fill))]"
    )
    assert fills == [wanted]
    page.close()


def test_nothing_is_cut_off(browser, every_picture):
    page = open_page(browser, every_picture)
    outside = page.evaluate(
        """() => [...document.querySelectorAll('svg')].flatMap(svg => {
            const box = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('text')].filter(text => {
                const r = text.getBoundingClientRect();
                const hidden = getComputedStyle(text.parentElement).display == 'none';
                return !hidden && r.width && (r.left < box.left - 1 || r.right > box.right + 1
                    || r.top < box.top - 1 || r.bottom > box.bottom + 1);
            }).map(text => text.textContent);
        })"""
    )
    assert outside == []
    page.close()


def test_no_two_texts_overlap(browser, every_picture):
    page = open_page(browser, every_picture)
    overlapping = page.evaluate(
        """() => [...document.querySelectorAll('svg')].flatMap(svg => {
            const texts = [...svg.querySelectorAll('text')].filter(t => t.getClientRects().length
                && t.getBoundingClientRect().width);
            const found = [];
            for (let i = 0; i < texts.length; i++) for (let j = i + 1; j < texts.length; j++) {
                const a = texts[i].getBoundingClientRect(), b = texts[j].getBoundingClientRect();
                const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
                const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
                if (x > 1 && y > 4) found.push([texts[i].textContent, texts[j].textContent]);
            }
            return found;
        })"""
    )
    assert overlapping == []
    page.close()


def test_images_keep_whole_factors_and_are_not_smoothed(browser, every_picture):
    page = open_page(browser, every_picture)
    images = page.evaluate(
        """() => Promise.all([...document.querySelectorAll('svg image')].map(async image => {
            const natural = new Image();
            natural.src = image.getAttribute('href');
            await natural.decode();
            const box = image.getBoundingClientRect();
            return [box.width / natural.naturalWidth, box.height / natural.naturalHeight,
                    getComputedStyle(image).imageRendering];
        }))"""
    )
    ramps = [i for i in images if abs(i[0] - i[1]) > 1e-3]  # colour bars are stretched, they may be
    assert len(images) == 22
    assert len(ramps) == 3
    for wide, high, rendering in images:
        assert rendering == "pixelated"
        if [wide, high, rendering] not in ramps:
            assert wide == pytest.approx(round(wide), abs=1e-3) and round(wide) >= 1
    page.close()
