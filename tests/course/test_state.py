"""What an output folder remembers of its runs: which copies are still good."""

import pytest

from indexnet_edu import __version__
from indexnet_edu.course.state import Entry, State, digest


@pytest.mark.parametrize("key", ["source", "parameters", "version"])
def test_what_a_copy_was_made_from_decides(tmp_path, key):
    made_from = {"source": "abc", "parameters": {"profile": "smoke"}, "version": __version__}
    (tmp_path / "n.ipynb").write_text("{}")
    copied = digest(tmp_path / "n.ipynb")
    state = State(tmp_path)
    state.record("n", Entry("ok", 1.0, None, made_from, copied, "2026-01-01T00:00"))
    state = State.load(tmp_path)
    assert state.has("n", made_from)
    assert not state.has("n", {**made_from, key: "other"})
    (tmp_path / "n.ipynb").unlink()
    assert not state.has("n", made_from)


def test_a_damaged_state_runs_all_again(tmp_path):
    for damage in ("", "[]", '{"notebooks": {"n": {}}}', '{"notebooks": 3}'):
        (tmp_path / "state.json").write_text(damage)
        assert State.load(tmp_path).entries == {}
