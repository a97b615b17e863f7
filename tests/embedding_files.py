"""Files of embeddings that tests make: the first samples of every so many, by either kind."""

import warnings
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper


class Levels(torch.nn.Module):
    """The first values of each frame, (n, frames, n_features)."""

    def __init__(self, frame: int, n_features: int) -> None:
        super().__init__()
        self.frame, self.n_features = frame, n_features

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        return audio.unfold(1, self.frame, self.frame)[:, :, : self.n_features]


def torchscript(path: Path, network: torch.nn.Module, rate: str | None = "16000") -> Path:
    """Saves a network as TorchScript."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        extra = {} if rate is None else {"sample_rate": rate}
        torch.jit.save(torch.jit.script(network), str(path), _extra_files=extra)
    return path


def onnx_file(path: Path, frame: int, n_features: int, rate: str | None = "16000") -> Path:
    """Saves what `Levels` does as ONNX."""
    sizes = {"shape": [0, -1, frame], "starts": [0], "ends": [n_features], "axes": [2]}
    constants = [helper.make_tensor(name, TensorProto.INT64, [len(of)], of) for name, of in sizes.items()]
    nodes = [
        helper.make_node("Reshape", ["audio", "shape"], ["frames"]),
        helper.make_node("Slice", ["frames", "starts", "ends", "axes"], ["vectors"]),
    ]
    audio = helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["n", "n_samples"])
    vectors = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", "frames", n_features])
    graph = helper.make_graph(nodes, "levels", [audio], [vectors], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if rate is not None:
        entry = model.metadata_props.add()
        entry.key, entry.value = "sample_rate", rate
    onnx.save(model, path)
    return path
