"""The page of results and the HTML copies: complete, honest, and asking nothing of the network."""

import re
from pathlib import Path

import nbformat
import pytest

from indexnet_edu.course.html_copy import html_copy
from indexnet_edu.course.index_page import write_index
from indexnet_edu.course.math_svg import math_svg
from indexnet_edu.course.results import Result
from indexnet_edu.course.state import Entry, State, digest
from tests.browser.chromium import find_chromium

MARKDOWN = r"""# Index functions

Inline $I_e(\mathbf{x}) = \sigma(z)$, and on its own line

$$\begin{aligned} y &= \sum_{p=1}^{4} e_p x_p \\ &= 1 \end{aligned}$$

<div class="alert alert-info">

**Note** inside the box, $x < y$.

</div>

<details><summary>Hint</summary>

Inside the hint.

</details>

Not closed: $\frac{1$.
"""
RESULT = Result(
    "Table <3>", "subset of 100", "smoke", {"psnr": 31.2, "rows": [{"v": "m2o", "n": 2}]}
)
WIDGETS = {
    "application/vnd.jupyter.widget-state+json": {
        "version_major": 2,
        "version_minor": 0,
        "state": {"1": {"model_name": "IntSliderModel", "model_module": "x", "state": {}}},
    }
}
FIGURE = '<figure><svg viewBox="0 0 9 9" role="img"><path d="M0 0"/></svg></figure>'


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a run leaves it, with outputs of every kind."""
    folder = tmp_path_factory.mktemp("out")
    new = nbformat.v4
    widget = "application/vnd.jupyter.widget-view+json"
    outputs = [
        new.new_output("stream", name="stderr", text="a warning\n"),
        new.new_output("display_data", data={"text/html": FIGURE}),
        new.new_output("display_data", data=RESULT._repr_mimebundle_()),
        new.new_output("display_data", data={"text/latex": r"$\displaystyle \frac{a}{b}$"}),
        new.new_output("display_data", data={"application/javascript": "fetch('https://x.org')"}),
        new.new_output(
            "display_data", data={"text/html": "<script src='https://x.org/a.js'></script>ok"}
        ),
        new.new_output(
            "display_data",
            data={widget: {"model_id": "1", "version_major": 2, "version_minor": 0}},
        ),
    ]
    cells = [
        new.new_markdown_cell(MARKDOWN),
        new.new_code_cell("f(x)  # long", outputs=outputs, execution_count=1),
        new.new_code_cell("solution = 1", metadata={"tags": ["solution"]}),
    ]
    state = State(folder)
    (folder / "logs").mkdir()
    (folder / "logs" / "02_bad.log").write_text("kernel said")
    runs = {
        "01_good": ("ok", None),
        "02_bad": ("failed", "cell 4 of 9 `x = <b>`: ValueError: no"),
        "03_slow": ("timeout", "cell 2 of 2 `sleep()`: still running after 2 s"),
    }
    for name, (status, error) in runs.items():
        path = folder / f"{name}.ipynb"
        nbformat.write(new.new_notebook(cells=cells, metadata={"widgets": WIDGETS}), path)
        made_from = {"source": "", "parameters": {"profile": "smoke"}, "version": "1.2.3"}
        entry = Entry(status, 65.0, error, made_from, digest(path), "2026-01-02T03:04:05+01:00")
        state.record(name, entry)
    (folder / "03_slow.ipynb").write_text("{")
    write_index(folder, ["01_good", "04_later"])
    return folder


@pytest.fixture(scope="module")
def index(out: Path) -> str:
    return (out / "index.html").read_text()


def test_every_notebook_is_there_with_its_outcome(index):
    assert "1 of 4 notebooks done in 3:15" in index
    assert index.count("✓ ok") == 1 and index.count("✗ failed") == 1
    assert index.count("✗ timed out") == 1 and index.count("not run") == 1
    assert "1:05" in index and "2026-01-02 03:04" in index and "1.2.3" in index


def test_the_failed_cell_is_named(index):
    assert "cell 4 of 9 `x = &lt;b&gt;`: ValueError: no" in index


def test_links_lead_to_files(out, index):
    links = re.findall(r"href=['\"]([^'\"]+)", index)
    assert {"01_good.html", "01_good.ipynb", "logs/02_bad.log"} <= set(links)
    assert all((out / link).is_file() for link in links)


def test_results_name_their_data_and_profile(index):
    assert "Table &lt;3&gt;</strong> (data: subset of 100 · profile: smoke)" in index
    assert "psnr: 31.2" in index and "IndexNet, M2O" in index


def test_a_damaged_copy_is_told_and_stops_nothing(index):
    assert "no HTML copy: UserError: 03_slow.ipynb is not a notebook" in index
    assert "03_slow.ipynb is not a notebook; run it again" in index


@pytest.mark.parametrize("page", ["index.html", "01_good.html", "02_bad.html"])
def test_pages_ask_nothing_of_the_network(out, page):
    text = (out / page).read_text()
    assert not re.search(r"<(script|link|iframe|object|embed)\b", text)
    assert not re.search(r"(src|href)\s*=\s*['\"]?\s*(https?:)?//", text)
    assert not re.search(r"@import|url\(\s*['\"]?https?:", text)
    assert "default-src 'none'" in text


def test_formulas_are_drawn(out):
    text = (out / "01_good.html").read_text()
    assert text.count('class="math"') == 4
    assert 'aria-label="I_e(\\mathbf{x}) = \\sigma(z)"' in text
    assert "$" not in re.sub(r"(?s)<style>.*?</style>", "", text)


def test_boxes_and_hints_hold_their_text(out):
    text = re.sub(r"\s+", " ", (out / "01_good.html").read_text())
    assert re.search(r'<div class="alert alert-info">((?!</div>).)*inside the box', text)
    assert re.search(r"<details><summary>Hint</summary>((?!</details>).)*Inside the hint", text)
    assert re.search(r"<summary>Solution</summary>((?!</details>).)*solution", text)


def test_outputs_that_need_a_kernel_say_so(out):
    text = (out / "01_good.html").read_text()
    assert text.count("An interactive widget") == 1 and text.count("This output is a script") == 1


def test_a_copy_is_made_again_only_when_its_notebook_is_newer(out):
    copy = out / "01_good.html"
    copy.write_text("kept")
    write_index(out)
    assert copy.read_text() == "kept"
    copy.unlink()
    write_index(out)
    assert copy.read_text() == html_copy(out / "01_good.ipynb")


@pytest.mark.parametrize(
    "latex",
    [
        r"\mathbf{I}(x)=\begin{cases}1&\text{if }x=\max\\0&\text{otherwise}\end{cases}",
        r"\operatorname*{arg\,max}_k z_k",
        r"\begin{bmatrix}1&0\\0&0\end{bmatrix}\otimes\bar{x}",
        r"\mathbb{R}^{C\times H\times W}",
        r"\lfloor H/2\rfloor \to \infty",
    ],
)
def test_what_the_notebooks_write_can_be_drawn(latex):
    drawing = math_svg(latex)
    assert drawing.startswith("<svg") and "currentColor" in drawing


def test_what_cannot_be_drawn_is_shown_as_written():
    assert math_svg(r"\frac{1 < x") == r'<code class="tex">\frac{1 &lt; x</code>'


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_the_pages_offline(out, scheme):
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(color_scheme=scheme, viewport={"width": 390, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        for name in ("index.html", "01_good.html"):
            page.goto((out / name).as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            assert contrast(page) >= 4.5
        box = page.locator("svg.math").first.bounding_box()
        assert box and box["width"] > 20 and box["height"] > 8
        browser.close()
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert said == []


def contrast(page) -> float:
    """The WCAG contrast of the body's text."""
    colours = page.evaluate("(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))")

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted(map(luminance, colours))
    return (light + 0.05) / (dark + 0.05)
