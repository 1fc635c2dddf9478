"""A provider that keeps tasks at work at an even pace."""

from tests.agent.support.openai_server import Answer, Received, call


class Paced:
    """A call after the other, none like the one before, each after some seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._asked = 0

    def __call__(self, _received: Received) -> Answer:
        self._asked += 1
        calls = [call("list_files", pattern=f"*{self._asked}*")]
        return Answer("Next.", calls, piece=0, headers_delay=self._seconds)
