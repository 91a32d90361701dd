"""A higher site that takes notices for review, has them typed in by a person, or is only watched."""

from channels.provincial_site.site import ProvincialSite

__all__ = ["ProvincialSite"]
