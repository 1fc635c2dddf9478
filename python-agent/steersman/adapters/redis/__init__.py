"""Redis: the copy of views, hints and deltas between processes. All of it may vanish."""

from steersman.adapters.redis.deltas import RedisDeltaFeed
from steersman.adapters.redis.hints import RedisHints
from steersman.adapters.redis.line import RedisLine, redis_line
from steersman.adapters.redis.views import RedisViewCache

__all__ = ["RedisDeltaFeed", "RedisHints", "RedisLine", "RedisViewCache", "redis_line"]
