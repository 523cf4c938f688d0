"""A real JupyterLab and a page in it, for the tests that look at the course as learners do."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from indexnet_edu.course.kernel import kernel_environment
from indexnet_edu.course.lab import _ask_for_no_news, lab_command

__all__ = ["CHROMIUM_ARGUMENTS", "Lab", "LabPage", "start_lab"]

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No name is looked up, whatever a page or the browser itself may want.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
_START = 120.0  # seconds; other tests keep the processor busy
_NOTEBOOK = 300.0


class Lab:
    """A running server and the folder it serves."""

    def __init__(self, address: str, folder: Path, signatures: Path) -> None:
        self.address = address
        self.folder = folder
        self.signatures = signatures

    def trust(self, name: str) -> None:
        """What ``jupyter trust`` does, for the server's own list of signatures."""
        import nbformat
        from nbformat.sign import NotebookNotary

        notary = NotebookNotary(data_dir=str(self.signatures))
        notary.sign(nbformat.read(self.folder / name, as_version=4))

    def kernels(self) -> list[str]:
        with urllib.request.urlopen(f"{self.address}/api/kernels", timeout=30) as answer:
            return [kernel["id"] for kernel in json.load(answer)]

    def stop_kernels(self) -> None:
        for kernel in self.kernels():
            request = urllib.request.Request(
                f"{self.address}/api/kernels/{kernel}", method="DELETE"
            )
            urllib.request.urlopen(request, timeout=60).close()


@contextmanager
def start_lab(work: Path) -> Iterator[Lab]:
    """JupyterLab as ``indexnet-edu lab`` starts it, but on a free port and without a token.

    Nothing of the user's Jupyter is read or written, and no data set is there but the embedded one.
    """
    folder, data = work / "notebooks", work / "jupyter_data"
    for new in (folder, data, work / "data"):
        new.mkdir(parents=True)
    environment = kernel_environment(work / "jupyter") | {
        "JUPYTER_CONFIG_DIR": str(work / "config"),
        "JUPYTER_DATA_DIR": str(data),
        "JUPYTER_RUNTIME_DIR": str(work / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(work / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(work / "workspaces"),
        "IPYTHONDIR": str(work / "ipython"),
        "INDEXNET_DATA": str(work / "data"),
        # A download from the kernel fails at once, and its cell with it.
        **dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9"),
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),
        "no_proxy": "127.0.0.1,localhost",
        # As in a whole test run: threads that wait for each other help nobody.
        "OMP_NUM_THREADS": "1",
    }
    _ask_for_no_news(work / "jupyter", environment)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = lab_command(
        folder,
        [
            "--no-browser",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            "--IdentityProvider.token=",
            "--ServerApp.disable_check_xsrf=True",
            "--LabApp.expose_app_in_browser=True",
        ]
        + (["--allow-root"] if os.geteuid() == 0 else []),
    )
    address = f"http://127.0.0.1:{port}"
    with (work / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    lab = Lab(address, folder, data)
    try:
        _wait_until_up(lab, server, work / "server.log")
        yield lab
        lab.stop_kernels()
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_up(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START
    while time.monotonic() < end and server.poll() is None:
        try:
            lab.kernels()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


class LabPage:
    """One notebook in a tab of its own, with everything that the tab complained about.

    Attributes:
        errors: the console's errors and the exceptions that nothing caught.
        elsewhere: addresses asked for that are not the server's own; none was let through.
    """

    def __init__(self, context: Any, lab: Lab, name: str) -> None:
        self.lab = lab
        self.name = name
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        self.page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.errors.append(f"not caught: {error}"))
        self.page.on("websocket", lambda websocket: self._is_own(websocket.url))
        self.page.route("**/*", self._pass)
        self.page.goto(f"{lab.address}/lab/tree/{name}?reset")
        self.page.wait_for_function(
            """name => {
                const panel = window.jupyterapp?.shell.currentWidget;
                const kernel = panel?.sessionContext?.session?.kernel;
                return panel?.context?.path == name && panel.context.isReady
                    && panel.sessionContext.isReady && kernel?.status == 'idle';
            }""",
            arg=name,
            timeout=1000 * _START,
        )
        self.command("application:toggle-left-area")  # the list of files: room for the notebook

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _is_own(self, url: str) -> bool:
        parts = urlsplit(url)
        own = parts.netloc == urlsplit(self.lab.address).netloc or parts.scheme in ("data", "blob")
        if not own:
            self.elsewhere.append(url)
        return own

    def _pass(self, route: Any) -> None:
        if self._is_own(route.request.url):
            route.continue_()
        else:
            route.abort()

    def command(self, name: str, arguments: dict[str, Any] | None = None) -> None:
        """Starts a command of JupyterLab's; it is not waited for."""
        self.page.evaluate(
            "([name, args]) => { window.jupyterapp.commands.execute(name, args); }",
            [name, arguments or {}],
        )

    def run_all(self) -> None:
        """Runs every cell and waits until the kernel is idle and no cell is pending."""
        self.page.evaluate(
            """() => {
                window.ranAll = false;
                window.jupyterapp.commands.execute('notebook:run-all-cells')
                    .finally(() => { window.ranAll = true; });
            }"""
        )
        self.page.wait_for_function(
            """() => {
                const panel = window.jupyterapp.shell.currentWidget;
                const cells = [...panel.content.model.cells];
                return window.ranAll && panel.sessionContext.session.kernel.status == 'idle'
                    && cells.every(cell => cell.type != 'code' || cell.executionState != 'running');
            }""",
            timeout=1000 * _NOTEBOOK,
            polling=250,
        )
        self.settle()

    def settle(self) -> None:
        """Two frames and a moment: outputs and widgets draw after the kernel has gone idle."""
        self.page.evaluate(
            """() => new Promise(done => setTimeout(
                () => requestAnimationFrame(() => requestAnimationFrame(done)), 500))"""
        )

    def cells(self) -> list[dict[str, Any]]:
        """The notebook's cells as it would save them now."""
        return self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells"
        )

    def place(self) -> dict[str, Any]:
        """The mode, the active cell's number and all cells' ids: what a stolen key would change."""
        return self.page.evaluate(
            """() => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                const cells = [...notebook.model.cells].map(cell => `${cell.id} ${cell.type}`);
                return {mode: notebook.mode, active: notebook.activeCellIndex, cells};
            }"""
        )

    def theme(self, light: bool) -> None:
        self.command(
            "apputils:change-theme", {"theme": f"JupyterLab {'Light' if light else 'Dark'}"}
        )
        mode = "true" if light else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light={mode}]", state="attached")
        self.settle()

    def screenshots(self, path: Path, part: int = 4000) -> None:
        """The whole notebook from top to end as ``NAME_1.png``, ``NAME_2.png``, …

        Args:
            path: folder and NAME, without suffix; earlier pictures of that name are removed.
            part: height of each in pixels.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        for earlier in path.parent.glob(f"{path.name}_*.png"):
            earlier.unlink()
        self.page.set_viewport_size({"width": 1280, "height": part})
        panel = self.page.locator(".jp-NotebookPanel-notebook .jp-WindowedPanel-outer").first
        top, number = 0, 1
        while True:
            # What is far off the screen is drawn, and has its true height, only once it is near.
            panel.evaluate("(panel, top) => { panel.scrollTop = top; }", top)
            self.settle()
            at, shown, end = panel.evaluate(
                """panel => {
                    const cells = panel.querySelectorAll('.jp-Cell');
                    const last = cells[cells.length - 1].getBoundingClientRect().bottom;
                    const end = last - panel.getBoundingClientRect().top;
                    return [panel.scrollTop, panel.clientHeight, panel.scrollTop + end];
                }"""
            )
            box = panel.bounding_box()
            hidden = top - at  # at the end the panel cannot scroll as far as it is asked to
            clip = box | {"y": box["y"] + hidden, "height": min(shown - hidden, end - top)}
            self.page.screenshot(path=path.with_name(f"{path.name}_{number}.png"), clip=clip)
            if top + clip["height"] >= end - 1:
                return
            top, number = at + shown, number + 1

    def __enter__(self) -> LabPage:
        return self

    def __exit__(self, *failure: object) -> None:
        self.page.close()
        self.lab.stop_kernels()
