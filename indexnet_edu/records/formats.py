"""A comparison as aligned text, Markdown, CSV or LaTeX."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Callable, Sequence

from .paper import PAPER_TABLES, paper_note
from .table import Comparison

__all__ = ["FORMATS", "as_csv", "as_latex", "as_markdown", "as_text", "plain_rows"]

#: Characters of a caption's line, so that it fits a notebook's page.
_CAPTION_WIDTH = 100

#: Characters of a line of a table, Table 3 with all that we measure being the widest of one part.
_TABLE_WIDTH = 160

#: Characters that LaTeX reads as commands, and those that its usual fonts lack.
_LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "×": r"$\times$", "–": "--", "→": r"$\rightarrow$",
})  # fmt: skip

Cells = Sequence[str]
#: A heading and the numbers of the columns below it.
Group = tuple[str, range]


def _figure(value: float | None, std: float | None, decimals: int) -> str:
    if value is None:
        return "–"
    return f"{value:.{decimals}f}" + (f" ± {std:.{decimals}f}" if std is not None else "")


def _sentences(comparison: Comparison) -> list[str]:
    """All that must be said about a table."""
    if not comparison.profile:
        return [f"Table {comparison.table.number}", *filter(None, [_note(comparison)])]
    said = [
        f"Table {comparison.table.number}, ours with profile {comparison.profile} on "
        f"{comparison.device}",
        comparison.data,
    ]
    if comparison.departs:
        said.append(f"Not the paper's schedule and data: {comparison.departs}.")
    if any(len(row["seeds"]) > 1 for row in comparison.rows):
        said.append("Ours: mean ± standard deviation over seeds.")
    if comparison.left_out:
        number = comparison.left_out
        said.append(f"Left out: {number} result(s) with the row and seed of another one.")
    notes = [_note(comparison), comparison.table.remark]
    return [*said, *filter(None, notes)]


def _note(comparison: Comparison) -> str | None:
    number = comparison.table.number
    return paper_note(number) if number in PAPER_TABLES else None


def _grid(comparison: Comparison) -> tuple[list[tuple[str, list[str]]], list[list[str]]]:
    """Headings with the columns below each, and the rows, all as text."""
    have_ours = bool(comparison.profile)
    heads = [("variant", [""])]
    for column in comparison.columns:
        below = (["paper"] if column.printed else []) + (["ours"] if have_ours else [])
        heads += [(column.heading, below)] if below else []
    heads += [("seeds", [""])] if have_ours else []
    body = []
    for row in comparison.rows:
        line = [row["variant"]]
        for column in comparison.columns:
            key, decimals = column.key, column.decimals
            if column.printed:
                line.append(_figure(row["paper"][key], None, decimals))
            if have_ours:
                line.append(_figure(row["ours"][key], row["std"][key], decimals))
        body.append([*line, str(len(row["seeds"]))] if have_ours else line)
    return heads, body


def as_text(comparison: Comparison) -> str:
    """For a terminal: a caption, then paper and ours beside each other, in several parts one below
    the other where they would be too wide."""
    heads, body = _grid(comparison)
    rows = [[text for _, below in heads for text in below], *body]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    groups, end = [], 0  # a heading and the columns below it
    for heading, below in heads:
        columns = range(end, end + len(below))
        end += len(below)
        room = sum(widths[column] for column in columns) + 2 * (len(below) - 1)
        # A heading stands over its columns; where it is wider, the last column grows.
        widths[end - 1] += max(0, len(heading) - room)
        groups.append((heading, columns))
    wrapped = [textwrap.fill(text, _CAPTION_WIDTH) for text in _sentences(comparison)]
    parts = [_text_part(part, rows, widths) for part in _parts(groups, widths)]
    return "\n".join([*wrapped, "", "\n\n".join(parts)])


def _parts(groups: Sequence[Group], widths: Sequence[int]) -> list[list[Group]]:
    """Groups of columns that fit side by side, the rows' names first in each."""
    names, *others = groups
    room = _TABLE_WIDTH - widths[0]
    parts: list[list[Group]] = [[names]]
    left = room
    for group in others:
        width = sum(widths[column] + 2 for column in group[1])
        if width > left and len(parts[-1]) > 1:
            parts.append([names])
            left = room
        parts[-1].append(group)
        left -= width
    return parts


def _text_part(groups: Sequence[Group], rows: Sequence[Cells], widths: Sequence[int]) -> str:
    top = [
        heading.ljust(sum(widths[column] + 2 for column in columns) - 2)
        for heading, columns in groups
    ]
    numbers = [column for _, columns in groups for column in columns if column]
    lines = ["  ".join(top).rstrip()]
    for cells in rows:
        line = [cells[0].ljust(widths[0]), *(cells[n].rjust(widths[n]) for n in numbers)]
        lines.append("  ".join(line).rstrip())
    lines.insert(2, "-" * max(map(len, lines)))
    return "\n".join(lines)


def _flat(heads: Sequence[tuple[str, list[str]]]) -> list[str]:
    return [", ".join(filter(None, [head, text])) for head, below in heads for text in below]


def _markdown_rows(head: Cells, body: Sequence[Cells]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *body]
    cells = ([text.replace("|", r"\|") for text in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def as_markdown(comparison: Comparison) -> str:
    """A pipe table, its caption above it."""
    heads, body = _grid(comparison)
    title, *said = _sentences(comparison)
    caption = "  \n".join([f"**{title}**", *said])  # two spaces end a line
    return f"{caption}\n\n{_markdown_rows(_flat(heads), body)}"


def _tex(text: str) -> str:
    return text.translate(_LATEX)


def _latex_rows(columns: str, head: Sequence[str], body: Sequence[Cells]) -> str:
    rows = [" & ".join(map(_tex, line)) + r" \\" for line in body]
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", *head, r"\midrule", *rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def as_latex(comparison: Comparison) -> str:
    r"""A ``table`` for a paper; needs ``\usepackage{booktabs}``."""
    heads, body = _grid(comparison)
    second = [text for _, below in heads for text in below]
    top, rules, column = [], [], 1
    for heading, below in heads:
        wide = len(below) > 1
        top.append(rf"\multicolumn{{{len(below)}}}{{c}}{{{_tex(heading)}}}" if wide else
                   _tex(heading))  # fmt: skip
        rules += [rf"\cmidrule(lr){{{column}-{column + len(below) - 1}}}"] if wide else []
        column += len(below)
    head = [" & ".join(top) + r" \\", " ".join(rules), " & ".join(second) + r" \\"]
    rows = _latex_rows("l" + "r" * (len(second) - 1), list(filter(None, head)), body)
    caption = ". ".join(text.rstrip(".") for text in _sentences(comparison)) + "."
    return "\n".join(
        [r"\begin{table}", r"\centering", rf"\caption{{{_tex(caption)}}}", rows, r"\end{table}"]
    )


def as_csv(comparisons: Sequence[Comparison]) -> str:
    """All comparisons in one file, a line a row, every digit kept; an empty cell is no figure."""
    keys = list(dict.fromkeys(column.key for each in comparisons for column in each.columns))
    columns = [f"{key}_{what}" for key in keys for what in ("paper", "ours", "std")]
    shared = ["table", "profile", "data", "device", "departs_from_the_paper"]
    lines = []
    for comparison in comparisons:
        described = comparison.as_dict()
        for row in comparison.rows:
            values = [row[what].get(key) for key in keys for what in ("paper", "ours", "std")]
            seeds = " ".join(map(str, row["seeds"]))
            lines.append([*(described[key] for key in shared), row["variant"], seeds, *values])
    return _csv([*shared, "variant", "seeds", *columns], lines)


def _csv(head: Sequence[str], body: Sequence[Sequence[object]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([head, *body])  # None is an empty cell
    return file.getvalue().removesuffix("\n")


def _each(
    one: Callable[[Comparison], str],
) -> Callable[[Sequence[Comparison]], str]:
    return lambda comparisons: "\n\n".join(map(one, comparisons))


#: What ``table --format`` takes.
FORMATS: dict[str, Callable[[Sequence[Comparison]], str]] = {
    "text": _each(as_text),
    "markdown": _each(as_markdown),
    "csv": as_csv,
    "latex": _each(as_latex),
}


def plain_rows(format: str, rows: Sequence[dict[str, object]]) -> str:
    """Rows that stand alone, the paper's of a task that is not trained here, as Markdown, CSV or
    LaTeX."""
    head = list(dict.fromkeys(key for row in rows for key in row))
    if format == "csv":
        return _csv(head, [[row.get(key) for key in head] for row in rows])
    body = [["–" if row.get(key) is None else str(row[key]) for key in head] for row in rows]
    if format == "markdown":
        return _markdown_rows(head, body)
    return _latex_rows("l" * len(head), [" & ".join(map(_tex, head)) + r" \\"], body)
