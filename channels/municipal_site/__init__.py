"""A web site that takes notices over HTTP, described by its options alone."""

from channels.municipal_site.site import MunicipalSite

__all__ = ["MunicipalSite"]
