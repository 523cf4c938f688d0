"""The course in a real JupyterLab: every notebook runs through, and its widgets answer keys."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexnet_edu.paths import asset
from tests.browser.chromium import find_chromium
from tests.browser.lab import CHROMIUM_ARGUMENTS, Lab, LabPage, start_lab

# One server and one browser serve all of them, so they stay in one test process.
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("jupyterlab")]

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
        assert without_text(tab.page) == []
        assert tab.errors == []
        assert tab.elsewhere == []
