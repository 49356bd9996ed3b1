"""Files as shards, and shards as parts, by format."""
