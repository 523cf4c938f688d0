"""What every notebook of the course keeps to, as checks that need no kernel.

Each check takes a notebook and yields one line for each thing that is wrong.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

CODE_LINES = 15
CLASS_LINES = 40
CHECKED = "nbval-check-output"
#: A note and a warning. JupyterLab's own `alert-info` and `alert-warning` set their text at 2.6:1
#: and 2.1:1 in the dark theme; without them it has the page's colour, and the bar says what it is.
CALLOUTS = tuple(
    f'<div class="alert" style="border-left: 6px solid {colour}">'
    for colour in ("#0072B2", "#D55E00")
)

_FORBIDDEN_CODE = {
    r"[!%]\s*pip\b": "installs packages",
    r"!\s*(wget|curl)\b": "downloads",
    r"\binteract\s*\(|@\s*(\w+\.)?interact\b|\binteract_manual\b": "uses interact",
    r"\binteractive_output\b": "uses interactive_output",
    r"with\s+(\w+\.)?Output\s*\(": "captures into an Output widget",
}
_ABSOLUTE = re.compile(
    r"""(?:^|["'\s(=`])(?:~/|[A-Za-z]:\\|/(?:home|root|tmp|usr|mnt|data|work)/)"""
)
_FROM_ELSEWHERE = re.compile(
    r"""<script|(?:src\s*=\s*["']?|!\[[^\]]*\]\()\s*https?:""", re.IGNORECASE
)


def tags(cell: Any) -> list[str]:
    return cell.metadata.get("tags", [])


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tree(cell: Any) -> ast.Module:
    return ast.parse(TransformerManager().transform_cell(cell.source))


def title(cell: Any) -> str:
    return (
        f"{cell.get('id')} `{cell.source.strip().splitlines()[0] if cell.source.strip() else ''}`"
    )


def is_a_notebook(notebook: Any) -> Iterator[str]:
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        yield f"not valid: {error.message}"
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "its kernel is not python3"
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        yield "older than format 4.5, which brought cell ids"


def has_stable_ids(notebook: Any) -> Iterator[str]:
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids:
        yield "a cell has no id"
    for cell_id in sorted({i for i in ids if i and ids.count(i) > 1}):
        yield f"{cell_id}: the id of two cells"


def has_no_outputs(notebook: Any) -> Iterator[str]:
    for cell in code_cells(notebook):
        if CHECKED in tags(cell):
            if not cell.outputs:
                yield f"{title(cell)}: checked, but there is no output to compare"
            if cell.execution_count is None:
                yield f"{title(cell)}: nbval compares no cell without an execution count"
            for output in cell.outputs:
                if output.output_type != "stream" and set(output.data) != {"text/plain"}:
                    yield f"{title(cell)}: a checked output is text, nothing else"
        elif cell.outputs or cell.execution_count is not None:
            yield f"{title(cell)}: has an output"


def has_parameters(notebook: Any) -> Iterator[str]:
    found = [cell for cell in notebook.cells if "parameters" in tags(cell)]
    if len(found) != 1:
        yield f"{len(found)} cells are tagged `parameters`, not one"
        return
    lines = found[0].source.splitlines()
    names = set()
    for node in ast.parse(found[0].source).body:
        line = lines[(node.end_lineno or node.lineno) - 1]
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            yield f"`{line}` is not `name: type = literal`"
            continue
        names.add(node.target.id)
        try:
            ast.literal_eval(node.value or ast.Name("missing"))
        except ValueError:
            yield f"`{line}` is not a literal"
        if not re.search(r"#\s*\w", line[node.end_col_offset :]):
            yield f"`{line}` has no comment"
    for missing in {"profile", "seed"} - names:
        yield f"there is no parameter {missing}"


def opens_and_closes(notebook: Any) -> Iterator[str]:
    first, last = notebook.cells[0], notebook.cells[-1]
    if first.cell_type != "markdown" or not first.source.startswith("# "):
        yield "the first cell is no title"
    for what, pattern in {
        "objectives": r"objectives?\b|you will",
        "prerequisites": r"prerequisite",
        "minutes": r"\d\s*min",
        "times of the profiles": r"smoke.*cpu.*gpu",
    }.items():
        if not re.search(pattern, first.source, re.IGNORECASE | re.DOTALL):
            yield f"the first cell does not name its {what}"
    if last.cell_type != "markdown":
        yield "the last cell is not text"
    for what, pattern in {
        "what was seen": r"\bseen\b|summary|we saw",
        "what is next": "next",
    }.items():
        if not re.search(pattern, last.source, re.IGNORECASE):
            yield f"the last cell does not say {what}"


def has_short_cells(notebook: Any) -> Iterator[str]:
    for cell in code_cells(notebook):
        if "solution" in tags(cell):
            continue
        lines = len(cell.source.strip().splitlines())
        limit = CODE_LINES
        if any(isinstance(node, ast.ClassDef) for node in tree(cell).body):
            limit = CLASS_LINES
        if lines > limit:
            yield f"{title(cell)}: {lines} lines, more than {limit}"


def uses_nothing_forbidden(notebook: Any) -> Iterator[str]:
    for cell in notebook.cells:
        if "raises-exception" in tags(cell):
            yield f"{title(cell)}: papermill fails cells tagged raises-exception"
        if found := _ABSOLUTE.search(cell.source):
            yield f"{title(cell)}: the absolute path {found[0].strip()!r}"
        if cell.cell_type == "code":
            for pattern, what in _FORBIDDEN_CODE.items():
                if re.search(pattern, cell.source):
                    yield f"{title(cell)}: {what}"


def describes_its_figures(notebook: Any) -> Iterator[str]:
    for cell in code_cells(notebook):
        for node in ast.walk(tree(cell)):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
                if name == "show" and "alt" not in [k.arg for k in node.keywords]:
                    yield f"{title(cell)}: show(…) without alt="


def writes_portable_markdown(notebook: Any) -> Iterator[str]:
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        if re.search(r"^\s*>\s*\[!", cell.source, re.MULTILINE):
            yield f"{title(cell)}: `> [!NOTE]` is plain text in JupyterLab"
        if _FROM_ELSEWHERE.search(cell.source):
            yield f"{title(cell)}: loads something from the network"
        for box in re.finditer(r"<div\b[^>]*>(.*?)</div>", cell.source, re.DOTALL):
            if not box[0].startswith(CALLOUTS):
                yield f"{title(cell)}: a callout is one of {' '.join(CALLOUTS)}"
            elif not re.fullmatch(r"\n\n.*\n\n", box[1], re.DOTALL):
                yield f"{title(cell)}: a callout needs a blank line after <div> and before </div>"


CHECKS: list[Callable[[Any], Iterator[str]]] = [
    is_a_notebook,
    has_stable_ids,
    has_no_outputs,
    has_parameters,
    opens_and_closes,
    has_short_cells,
    uses_nothing_forbidden,
    describes_its_figures,
    writes_portable_markdown,
]


def load(path: Path) -> Any:
    """The notebook as it is in the file: nbformat's own reader would invent missing ids."""
    notebook = nbformat.from_dict(json.loads(path.read_text(encoding="utf-8")))
    return nbformat.v4.rwbase.rejoin_lines(notebook)  # in a file, sources are lists of lines
