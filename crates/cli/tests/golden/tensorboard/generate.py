"""A file of events as TensorBoard writes it, and TensorBoard's reading of the files that `train` writes.

    python3 -m venv .venv
    .venv/bin/pip install tensorboard               # versions.json
    .venv/bin/python generate.py                    # events.out.tfevents beside this file; `git diff` stays empty
    .venv/bin/python generate.py --verify RUN       # every number of RUN/metrics.jsonl is in TensorBoard, once

Wall times are fixed, so that the file is the same every time.
"""
import importlib.metadata, json, os, struct, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

HERE = os.path.dirname(os.path.abspath(__file__))


def generate():
    def event(**fields):
        return event_pb2.Event(wall_time=1.75e9, **fields)

    def scalars(**values):
        return summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])

    with open(os.path.join(HERE, "events.out.tfevents"), "wb") as file:
        writer = RecordWriter(file)
        writer.write(event(file_version="brain.Event:2").SerializeToString())
        writer.write(event(step=1, summary=scalars(**{"recall/T-shirt/top": 0.5, "train_loss": 2.25})).SerializeToString())
        writer.write(event(step=2, summary=scalars(**{"recall/T-shirt/top": 0.75, "train_loss": 0.1})).SerializeToString())
        writer.flush()
    with open(os.path.join(HERE, "versions.json"), "w") as file:
        json.dump({"tensorboard": importlib.metadata.version("tensorboard")}, file, indent=1)
        file.write("\n")


def verify(run):
    with open(os.path.join(run, "metrics.jsonl")) as file:
        lines = [json.loads(line) for line in file]
    expected = {}
    for line in lines:
        for tag in ["train_loss", "validation_loss", "validation_accuracy", "rate", "images_per_second"]:
            expected.setdefault(tag, []).append((line["epoch"], line[tag]))
        for one in line["classes"]:
            for what in ["recall", "bias"]:
                expected.setdefault(f"{what}/{one['name']}", []).append((line["epoch"], one[what]))
    single = lambda value: struct.unpack("f", struct.pack("f", value))[0]
    expected = {tag: [(step, single(value)) for step, value in points if value is not None] for tag, points in expected.items()}
    expected = {tag: points for tag, points in expected.items() if points}
    accumulator = EventAccumulator(run, size_guidance={"scalars": 0})
    accumulator.Reload()
    found = {tag: [(point.step, point.value) for point in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}
    if not lines or found != expected:
        for tag in sorted(found.keys() | expected.keys()):
            if found.get(tag) != expected.get(tag):
                print(f"{tag}: expected {expected.get(tag)}, found {found.get(tag)}", file=sys.stderr)
        sys.exit(f"error: {run}: expected the numbers of metrics.jsonl in TensorBoard, found others")
    print(f"{run}: {len(found)} tags, {len(lines)} epochs: the same in TensorBoard")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--verify":
        verify(sys.argv[2])
    elif len(sys.argv) == 1:
        generate()
    else:
        sys.exit(__doc__)
