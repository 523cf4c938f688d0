"""How a run of the course tells what it is doing."""

import io

from indexnet_edu.course.progress import Progress, clock, print_progress

STORY = [
    Progress("01_a", "started"),
    Progress("01_a", "running", 3.2, 2, 4),
    Progress("01_a", "failed", 65, error="cell 3 of 4"),
    Progress("02_b", "skipped"),
]


def test_progress_in_a_log_has_a_line_at_start_and_end():
    stream = io.StringIO()
    show = print_progress(stream)
    for progress in STORY:
        show(progress)
    assert stream.getvalue().splitlines() == [
        "  01_a: starting",
        "✗ 01_a: failed, 1:05",
        "    cell 3 of 4",
        "– 02_b: already done",
    ]


def test_progress_on_a_terminal_rewrites_its_line():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    show = print_progress(stream)
    for progress in STORY:
        show(progress)
    assert "\r\x1b[K  01_a: cell 2 of 4, 0:03" in stream.getvalue()
    assert stream.getvalue().count("\n") == 3


def test_clock():
    assert [clock(s) for s in (0.4, 59.6, 3600, 86399)] == ["0:00", "1:00", "1:00:00", "23:59:59"]
