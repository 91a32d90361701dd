"""The adapter: one of three ways to a higher site, as its options say."""

from __future__ import annotations

from channels.kit.options import read_options
from channels.provincial_site.api import ByInterface
from channels.provincial_site.assisted import ByPerson
from channels.provincial_site.options import ProvinceOptions
from channels.provincial_site.watched import Watched
from publisher.channel import ChannelConfig, Finding, Receipt, Submission


class ProvincialSite:
    """A `Channel` as `ProvinceOptions` describe it. Raises SettingsError for options that are wrong."""

    def __init__(self, config: ChannelConfig) -> None:
        options = read_options(ProvinceOptions, config.options)
        self._way: ByInterface | ByPerson | Watched
        if options.mode == "api":
            self._way = ByInterface(config, options)
        elif options.mode == "assisted":
            self._way = ByPerson(config, options)
        else:
            self._way = Watched(config, options)
        self.capabilities = self._way.capabilities

    def submit(self, submission: Submission) -> Receipt:
        """Hand it in (or a task for whoever types it in): a receipt that is not public yet. Raises ChannelError."""
        return self._way.submit(submission)

    def find(self, submission: Submission) -> Finding:
        """What became of it. Raises ChannelError."""
        return self._way.find(submission)
