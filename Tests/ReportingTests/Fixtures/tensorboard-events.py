"""Writes tensorboard-events.tfevents with TensorBoard's own messages and record writer, for TensorBoardTests.

    pip install tensorboard numpy && python tensorboard-events.py

Nothing here is ours: event.proto, summary.proto and plugin_data.proto as TensorBoard generates them, numpy's histogram, and the masked CRC of
TensorBoard's RecordWriter.
"""

import pathlib

import numpy
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

path = pathlib.Path(__file__).with_name("tensorboard-events.tfevents")
TIME = 1_700_000_000.25


def summary_event(value, step, time):
    return event_pb2.Event(wall_time=time, step=step, summary=summary_pb2.Summary(value=[value]))


def plugin_event(tag, data, time):
    metadata = summary_pb2.SummaryMetadata(
        plugin_data=summary_pb2.SummaryMetadata.PluginData(
            plugin_name="hparams", content=data.SerializeToString(deterministic=True)
        )
    )
    return summary_event(summary_pb2.Summary.Value(tag=tag, metadata=metadata), 0, time)


events = [event_pb2.Event(wall_time=TIME, file_version="brain.Event:2")]
start = plugin_data_pb2.HParamsPluginData()
info = start.session_start_info
info.hparams["learning_rate"].number_value = 0.002
info.hparams["dropout"].number_value = 0
info.hparams["hidden"].string_value = "[64, 32]"
info.hparams["layer_norm"].bool_value = False
info.hparams["residual"].bool_value = True
info.group_name = "hidden: [64, 32]"
info.start_time_secs = TIME
events.append(plugin_event("_hparams_/session_start_info", start, TIME))

for step, value in [(1, 0.75), (2, 0.1), (300, 0.0), (301, -1e-20)]:
    events.append(summary_event(summary_pb2.Summary.Value(tag="loss/training", simple_value=value), step, TIME + step))

# Multiples of 1/64: every sum below is exact, so that the order of additions does not matter.
values = numpy.array([((37 * i * i + 11 * i) % 257 - 128) / 64 for i in range(500)], dtype=numpy.float32)
for tag, sample in [("weights/dense0", values), ("weights/equal", numpy.full(7, 0.5, dtype=numpy.float32))]:
    sample = sample.astype(numpy.float64)
    if sample.min() < sample.max():
        counts, edges = numpy.histogram(sample, bins=30)
    else:
        counts, edges = numpy.array([len(sample)]), numpy.array([sample[0], sample[0]])
    histogram = summary_pb2.HistogramProto(
        min=sample.min(), max=sample.max(), num=len(sample), sum=sample.sum(), sum_squares=(sample**2).sum(),
        bucket_limit=edges[1:], bucket=counts,
    )
    events.append(summary_event(summary_pb2.Summary.Value(tag=tag, histo=histogram), 2, TIME + 2))

end = plugin_data_pb2.HParamsPluginData()
end.session_end_info.status = 1
end.session_end_info.end_time_secs = TIME + 400
events.append(plugin_event("_hparams_/session_end_info", end, TIME + 400))

with open(path, "wb") as file:
    writer = RecordWriter(file)
    for event in events:
        writer.write(event.SerializeToString(deterministic=True))
    writer.flush()
print(path, path.stat().st_size, "bytes")
