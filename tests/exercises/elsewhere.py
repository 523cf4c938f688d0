"""Code that an answer calls and did not write."""


def unavailable(prompt: str = "") -> str:
    """As ``input()`` of a notebook that is run without a reader."""
    raise NotImplementedError("no reader")
