"""A training loop that the node may interrupt: it saves when told, and goes on where it was.

    python checkpoint_loop.py --socket /run/nightside/workload.sock --checkpoint model.npz

A small network of two layers in numpy stands in for the model; the shape of the loop is that of
any framework. Run it again after it was told to end, or was killed: it resumes from the file.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from nightside_client import NightsideClient
from numpy.typing import NDArray

WIDTH, BATCH, LEARNING_RATE = 16, 32, 0.05

Array = NDArray[np.float64]


class Model:
    """Fits y = sin(3 x) with one hidden layer; `step` counts the batches seen."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.step = 0
        self.weights: dict[str, Array] = {
            "in": rng.normal(0.0, 1.0, (1, WIDTH)),
            "bias": np.zeros(WIDTH),
            "out": rng.normal(0.0, 0.3, (WIDTH, 1)),
        }

    def train_one_batch(self) -> float:
        """Take one step of gradient descent and return the loss before it."""
        # The batch follows from the step alone, so a resumed run sees what it would have seen.
        x = np.random.default_rng((2, self.step)).uniform(-1.0, 1.0, (BATCH, 1))
        hidden = np.tanh(x @ self.weights["in"] + self.weights["bias"])
        error = hidden @ self.weights["out"] - np.sin(3.0 * x)
        back = (error @ self.weights["out"].T) * (1.0 - hidden * hidden)
        gradients = {"in": x.T @ back, "bias": back.sum(axis=0), "out": hidden.T @ error}
        for name, gradient in gradients.items():
            self.weights[name] = self.weights[name] - LEARNING_RATE / BATCH * gradient
        self.step += 1
        return float(np.mean(error * error))

    def save(self, path: Path) -> None:
        """Write a checkpoint that is either whole or not there, whatever happens meanwhile."""
        beside = path.with_suffix(".new.npz")
        with beside.open("wb") as file:
            np.savez(file, step=self.step, **self.weights)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint, if there is one."""
        if path.exists():
            with np.load(path) as saved:
                self.step = int(saved["step"])
                self.weights = {name: saved[name] for name in self.weights}


def train(node: NightsideClient, model: Model, args: argparse.Namespace) -> float:
    """Train to the last step, or until the node wants the accelerators; return the last loss."""
    # Here the loop begins.
    loss = float("nan")
    model.resume(args.checkpoint)
    while model.step < args.steps:
        for notice in node.poll():
            if notice["level"] in ("drain", "checkpoint", "freeze", "off"):
                model.save(args.checkpoint)
            node.ack(notice)  # only now: what was asked for is done
        while node.level() in ("freeze", "off"):
            for notice in node.poll(timeout_s=1.0):
                node.ack(notice)
        if node.level() == "drain":
            break  # saved above; whoever starts this job starts it again later
        loss = model.train_one_batch()
        time.sleep(args.pause_s)
    model.save(args.checkpoint)
    return loss
    # Here it ends.


def main() -> None:
    """Run the job and print what it reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--client", default="trainer")
    parser.add_argument("--accelerators", type=int, nargs="*", default=[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--pause-s", type=float, default=0.0, help="after each step")
    args = parser.parse_args()
    node = NightsideClient(args.socket, args.client, args.accelerators, checkpoint_s=1.0)
    model = Model()
    loss = train(node, model, args)
    sys.stdout.write(json.dumps({"step": model.step, "loss": loss}) + "\n")


if __name__ == "__main__":
    main()
