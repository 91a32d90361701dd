"""The office's own feed for WeChat readers: phone pages with a list, and feeds that aggregators read."""

from channels.wechat_feed.feed import WechatFeed

__all__ = ["WechatFeed"]
