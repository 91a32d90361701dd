"""A channel that answers what its test wrote down, for tests of counts and commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from publisher.channel import Absent, Capabilities, Finding, Receipt, Submission
from publisher.errors import ChannelError

Answer = Receipt | ChannelError


@dataclass
class Scripted:
    """Answers each submit of a notice with the next answer for its title; when they are used up, with a receipt.

    `titles` lists what it was given, in order.
    """

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    capabilities: Capabilities = field(default_factory=Capabilities)

    def will(self, title: str, *answers: Answer) -> None:
        """Answer the next submits of `title` so."""
        self.answers.setdefault(title, []).extend(answers)

    def submit(self, submission: Submission) -> Receipt:
        """The next answer."""
        title = submission.version.notice.title
        self.titles.append(title)
        waiting: Sequence[Answer] = self.answers.get(title, [])
        answer = self.answers[title].pop(0) if waiting else Receipt(number=f"R-{len(self.titles)}")
        if isinstance(answer, ChannelError):
            raise answer
        return answer

    def find(self, submission: Submission) -> Finding:
        """It never holds anything of doubtful outcome."""
        return Absent()
