#!/usr/bin/env python3
"""Off-policy evaluation of a log that is too large for one machine, on Spark.

Spark deals the rows; the numbers are Haggle's own. Every partition goes once through `haggle evaluate-shard`, which prints a small state
(sums, not rows), and `haggle evaluate-merge` turns the states into the report that one process would have made: the same to 1e-12, because
resampling and clustering depend on the unit, or on the row's number in the whole log, and not on how the rows were dealt. A task that is
lost with its executor is run again by Spark; nothing is counted twice, because only the state of a finished task is collected.

    spark-submit spark/haggle_evaluate.py --haggle ./haggle --files '/logs/2026-11-*.csv.gz' --output report.html \
        -- --arms none,five,ten --unit-column customer --policy uniform --policy columns:target_ --reward-model qhat_

    spark-submit --jars /usr/share/java/postgresql.jar spark/haggle_evaluate.py --haggle ./haggle \
        --jdbc 'jdbc:postgresql://db/shop?user=haggle' --query "SELECT arm, propensity, reward, unit FROM counted_rows" \
        --partition-column unit_bucket --partitions 64 --output report.json -- --arms none,five,ten --unit-column unit --policy arm:ten

What stands behind `--` goes to `haggle evaluate-shard` as it is (`haggle evaluate-shard --help`). Files must be readable under the same path
on every executor, and so must the binary, unless `spark-submit --files haggle` brings it along (then `--haggle haggle`).
Needs pyspark 4 and Java 17; nothing else from Python.
"""

import argparse
import glob
import os
import subprocess
import sys
import tempfile
import threading


def arguments(words):
    split = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--haggle", default="haggle", help="the haggle binary, as the executors find it")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--files", help="a pattern of CSV or NDJSON files, gzip or not: one shard each, in the order of their names")
    source.add_argument("--jdbc", help="a JDBC URL; give --query or --table too")
    parser.add_argument("--table", help="the table or view to read")
    parser.add_argument("--query", help="the query to read")
    parser.add_argument("--partition-column", help="a whole-number column to split the table by, with --partitions")
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--output", help="report.json, report.html or report.txt; standard output where not given")
    parser.add_argument("--master", help="where not given by spark-submit, such as local[2] or local-cluster[2,1,1024]")
    parser.add_argument("--keep-states", metavar="DIR", help="keep the shards' states in this folder")
    parsed = parser.parse_args(words[:split])
    if parsed.jdbc and (parsed.table is None) == (parsed.query is None):
        parser.error("--jdbc needs either --table or --query")
    return parsed, words[split + 1 :]


def run(command, rows=None):
    """Runs the binary, feeding it lines; returns what it printed. Its errors become the task's errors."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE if rows is not None else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    # Three pipes need three readers: a full one would stop the others.
    said = []
    listener = threading.Thread(target=lambda: said.append(process.stderr.read()))
    listener.start()

    def feed():
        try:
            for row in rows:
                process.stdin.write(row.encode("utf-8") + b"\n")
            process.stdin.close()
        except BrokenPipeError:
            pass  # It stopped early; its error says why.

    feeder = None
    if rows is not None:
        feeder = threading.Thread(target=feed)
        feeder.start()
    printed = process.stdout.read()
    status = process.wait()
    listener.join()
    if feeder is not None:
        feeder.join()
    if status != 0:
        raise RuntimeError("%s exited %d: %s" % (" ".join(command[:2]), status, b"".join(said).decode("utf-8", "replace").strip()))
    return printed


def shard_command(haggle, words, place, path):
    return [haggle, "evaluate-shard", path] + place + words


def first_rows(counts):
    """Where each shard starts in the whole log."""
    starts = [0]
    for count in counts:
        starts.append(starts[-1] + count)
    return starts[:-1]


def states_of_files(context, options, words):
    paths = sorted(os.path.abspath(path) for path in glob.glob(options.files))
    if not paths:
        sys.exit("haggle_evaluate: no file matches %s" % options.files)
    haggle = options.haggle
    shards = context.parallelize(paths, len(paths))
    counts = shards.map(lambda path: int(run([haggle, "evaluate-shard", path, "--count"]))).collect()
    places = [["--first-row", str(row)] for row in first_rows(counts)]
    placed = context.parallelize(list(zip(paths, places)), len(paths))
    return placed.map(lambda shard: run(shard_command(haggle, words, shard[1], shard[0]))).collect()


def states_of_table(session, options, words):
    reader = session.read.format("jdbc").option("url", options.jdbc).option("driver", "org.postgresql.Driver")
    table = options.table if options.table else "(%s) AS log" % options.query
    reader = reader.option("dbtable", table)
    if options.partition_column:
        bounds = (
            session.read.format("jdbc").option("url", options.jdbc).option("driver", "org.postgresql.Driver")
            .option("query", "SELECT min(%s), max(%s) FROM %s" % (options.partition_column, options.partition_column, table))
            .load().first()
        )
        low, high = int(bounds[0] or 0), int(bounds[1] or 0)
        reader = (
            reader.option("partitionColumn", options.partition_column).option("lowerBound", low).option("upperBound", high + 1)
            .option("numPartitions", options.partitions)
        )
    rows = reader.load()
    if options.partition_column and options.partition_column not in words:
        rows = rows.drop(options.partition_column)
    if needs_row_numbers(words):
        sys.exit("haggle_evaluate: rows of a table have no order to number them by; name the unit with --unit-column (or a row's own id)")
    haggle = options.haggle
    lines = rows.toJSON()
    command = words + ["--input", "ndjson"]
    return lines.mapPartitionsWithIndex(
        lambda index, part: [run(shard_command(haggle, command, ["--shard", str(index)], "-"), part)]
    ).collect()


def needs_row_numbers(words):
    """Rows without a unit are resampled by their number in the whole log."""
    return not any(word == "--unit-column" or word.startswith("--unit-column=") for word in words)


def main():
    options, words = arguments(sys.argv[1:])
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("haggle evaluate")
    if options.master:
        builder = builder.master(options.master)
    session = builder.getOrCreate()
    try:
        if options.files:
            states = states_of_files(session.sparkContext, options, words)
        else:
            states = states_of_table(session, options, words)
    finally:
        session.stop()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep_states or temporary
        os.makedirs(folder, exist_ok=True)
        paths = []
        for index, state in enumerate(states):
            path = os.path.join(folder, "shard-%06d.state" % index)
            with open(path, "wb") as file:
                file.write(state)
            paths.append(path)
        merge = [options.haggle, "evaluate-merge"] + paths
        if options.output:
            merge += ["--output", options.output]
        sys.exit(subprocess.call(merge))


if __name__ == "__main__":
    main()
