"""An executed notebook as one HTML file that reads offline, in light and dark.

nbconvert's own pages fetch MathJax, require.js and widget scripts from elsewhere; here formulas are
drawn as SVG and there is no script at all.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter

from .math_svg import math_svg
from .notebooks import read_notebook

__all__ = ["html_copy", "page"]

# Pictures may come from the page itself or from beside it, nothing from anywhere else.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: file: 'self'"

_TEMPLATE = """
{%- extends 'basic/index.html.j2' -%}
{%- block input -%}
{%- if 'solution' in cell.metadata.get('tags', []) -%}
<details><summary>Solution</summary>{{ super() }}</details>
{%- else -%}{{ super() }}{%- endif -%}
{%- endblock input -%}
{%- block data_widget_view -%}
<p class="quiet">An interactive widget: open the notebook in JupyterLab to use it.</p>
{%- endblock data_widget_view -%}
{%- block data_javascript -%}
<p class="quiet">This output is a script: open the notebook in JupyterLab to see it.</p>
{%- endblock data_javascript -%}
{%- block data_latex -%}{{ output.data['text/latex'] | markdown2html }}{%- endblock data_latex -%}
{%- block footer -%}{%- endblock footer -%}
"""


def html_copy(notebook: Path) -> str:
    """The page of an executed notebook.

    Raises:
        UserError: the file is missing or is no notebook.
    """
    exporter = _Exporter()
    body, _ = exporter.from_notebook_node(
        read_notebook(notebook), resources={"metadata": {"path": str(notebook.parent)}}
    )
    soup = BeautifulSoup(body, "html.parser")
    for element in soup.select("script, link, iframe, object, embed"):
        element.decompose()
    nav = f'<a href="index.html">← All notebooks</a> · <a href="{notebook.name}">notebook</a>'
    return page(notebook.stem, f"<nav>{nav}</nav>\n<main>{soup}</main>", _highlighting())


def page(title: str, body: str, style: str = "") -> str:
    """A whole HTML document around ``body`` that asks nothing of the network."""
    css = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{html.escape(title)}</title>
<style>
{css}{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


class _Renderer(IPythonRenderer):
    def _html_embed_images(self, html: str) -> str:
        # Parsing a block that opens <div> or <details> and ends elsewhere would close it at once.
        return super()._html_embed_images(html) if "<img" in html else html

    def inline_math(self, body: str) -> str:
        return math_svg(body)

    def block_math(self, body: str) -> str:
        return math_svg(body, display=True)

    def latex_environment(self, name: str, body: str) -> str:
        return math_svg(rf"\begin{{{name}}}{body}\end{{{name}}}", display=True)


class _Exporter(HTMLExporter):
    """nbconvert's plainest template, with formulas drawn and scripts left out."""

    def __init__(self) -> None:
        super().__init__(template_name="basic", embed_images=True)
        self.raw_template = _TEMPLATE

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        cell = context.get("cell", {})
        renderer = _Renderer(
            escape=False,
            attachments=cell.get("attachments", {}),
            embed_images=True,
            path=context.get("resources", {}).get("metadata", {}).get("path", ""),
        )
        return str(MarkdownWithMath(renderer=renderer).render(source))


def _highlighting() -> str:
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    plain = ".highlight { background: none !important; }"
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{plain}\n"
