"""Event records as the tensorboard package writes them, in hexadecimal: the golden bytes of
Tests/TrainingTests/TensorBoardTests.swift.

    pip install tensorboard 'setuptools<80' && python tensorboard_golden.py
"""
import io

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def scalars(*pairs):
    values = [summary_pb2.Summary.Value(tag=tag, simple_value=value) for tag, value in pairs]
    return summary_pb2.Summary(value=values)


def main():
    events = [
        event_pb2.Event(wall_time=1700000000.25, file_version="brain.Event:2"),
        event_pb2.Event(
            wall_time=1700000001.5,
            step=41,
            session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START),
        ),
        event_pb2.Event(
            wall_time=1700000002.0,
            step=300,
            summary=scalars(("train/loss", 3.25), ("eval/loss", -0.1), ("\u00e4", 1e30)),
        ),
    ]
    for event in events:
        stream = io.BytesIO()
        RecordWriter(stream).write(event.SerializeToString())
        print(stream.getvalue().hex())


if __name__ == "__main__":
    main()
