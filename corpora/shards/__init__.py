"""Token shards: text as ids, each shard with a dictionary of its own, on a disk or streamed."""

from corpora.shards.encode import encode
from corpora.shards.token_shard import TokenShard, TokenShards

__all__ = ["TokenShard", "TokenShards", "encode"]
