"""Command `explain` into a folder: heat maps of images."""

import argparse
import json
import sys

from vae_runtime._base.interrupts import stopped_by_signals
from vae_runtime._base.printable import printable
from vae_runtime.batch.heat_maps import HEAT_MAPS, check_model, write_heat_maps
from vae_runtime.batch.job import Target
from vae_runtime.batch.progress import Progress
from vae_runtime.rows.input_files import plan

from .batches import counted_rows, inputs_of, summary_of, wanted_of
from .files import check_folder, rejects_of
from .opening import open_batch_runner


def draw_heat_maps(args: argparse.Namespace) -> int:
    """Draws a heat map for each image, and tells how many."""
    check_folder(args, HEAT_MAPS)
    runner = open_batch_runner(args)
    check_model(runner.manifest.model)
    rejects = rejects_of(args)
    with inputs_of(args) as inputs:
        given = plan(inputs, wanted_of(args, runner.manifest.model))
        progress = Progress(given.rows, sys.stderr if sys.stderr.isatty() else None, None)
        finished = False
        try:
            with stopped_by_signals():
                counts = write_heat_maps(
                    runner,
                    given,
                    args.output,
                    rejects=rejects,
                    threads=args.threads or 0,
                    watch=progress,
                )
            finished = True
        finally:
            progress.close(finished=finished)
    if args.json:
        print(json.dumps(summary_of(counts, progress.seconds, Target(args.output, "", rejects))))
    words = counted_rows(counts, args, "heat map", f" to {args.output}")
    print(printable(f"wrote {words}"), file=sys.stderr)
    return 0
