"""Files of any length to files of results: read, scored and written side by side, nothing lost.

Six words, and each is used for one thing:

    shard     rows of a file that one worker reads, on any machine (`rows.blocks.Shard`)
    block     rows of a shard that are read at once (`rows.blocks.Block`)
    job       what is asked: shards, a computation, where results go (`job.Job`; `run.run` does it)
    result    what became of a block: its good rows, and those rejected (`results.Result`)
    journal   results so far, from which a killed run goes on (`journal.Journal`)
    writer    what puts results into a file of some format (`writing.protocol.Writer`)

It imports all floors up to `runner`.
"""
