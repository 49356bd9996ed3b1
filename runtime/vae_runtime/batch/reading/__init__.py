"""Files as shards, and shards as blocks, by format."""
