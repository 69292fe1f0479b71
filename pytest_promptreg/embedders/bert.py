"""The forward pass of a BERT encoder in NumPy: unpadded, in float32, and in nobody else's memory.

Texts of a batch stand one behind the other, so that every product but attention is one large one. What is between the
products is done in blocks that stay in a core's cache.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

# ln(phi(-x) / phi(x)) / x as a polynomial in x², where phi is the normal distribution: x / (1 + exp(x · p(x²))) is GELU
# to 1e-7. Least squares weighted for the largest error of GELU itself, |x| <= 6; beyond, it only grows.
_GELU = (
    -1.5957684516906738,
    -0.07266855984926224,
    6.625711102969944e-05,
    0.00011048107990063727,
    -7.938313501654193e-06,
    2.6689818355407624e-07,
    -3.6113447787755604e-09,
)
_GELU_ROWS = 32  # and what is computed on the way fit a core's cache
_ATTENTION_BLOCK = 1 << 17  # scores at a time
# Between these no sum of exponentials overflows or loses digits, and the largest score need not be taken off first.
_HIGHEST_SCORE = 60.0
_LOWEST_SUM = 1e-20


class _Scale(NamedTuple):
    """A layer normalisation's own numbers."""

    weight: Array
    bias: Array


class _Dense(NamedTuple):
    """A product and a sum; the weight as [in, out]."""

    weight: Array
    bias: Array


class _Layer(NamedTuple):
    qkv: _Dense
    attended: _Dense
    after_attention: _Scale
    up: _Dense
    down: _Dense
    after_feed: _Scale


class Place(NamedTuple):
    """Where a tensor lies in a file.

    :param dtype: as the file says it: ``F32``.
    :param offset: in bytes.
    """

    dtype: str
    shape: tuple[int, ...]
    offset: int


def tensors(path: Path) -> dict[str, Place]:
    """The tensors of a safetensors file: a length, a header in JSON, and the numbers in one piece.

    :raises ValueError: when it is none.
    """
    with path.open("rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        end = path.stat().st_size
        if start > end:
            raise ValueError("a header longer than the file")
        header = json.loads(file.read(start - 8))
    try:
        found = {
            name: (
                Place(about["dtype"], tuple(about["shape"]), start + about["data_offsets"][0]),
                about["data_offsets"],
            )
            for name, about in header.items()
            if name != "__metadata__"
        }
        for place, (first, last) in found.values():
            if not 0 <= first <= last <= end - start or (
                place.dtype == "F32" and last - first != 4 * math.prod(place.shape)
            ):
                raise ValueError("a tensor that does not fit its place")
    except (AttributeError, KeyError, TypeError) as exc:
        raise ValueError(f"no safetensors header: {exc}") from exc
    return {name: place for name, (place, _) in found.items()}


def shapes(config: Mapping[str, Any]) -> dict[str, tuple[int | None, ...]]:
    """The tensors that an encoder with that ``config.json`` is made of, and their shapes; None for any size."""
    size, inner = int(config["hidden_size"]), int(config["intermediate_size"])
    found: dict[str, tuple[int | None, ...]] = {
        f"embeddings.{name}_embeddings.weight": (None, size) for name in ("word", "position", "token_type")
    }
    blocks = ["embeddings"]
    for layer in range(int(config["num_hidden_layers"])):
        root = f"encoder.layer.{layer}"
        square = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")
        for name, ins, outs in (
            *((name, size, size) for name in square),
            ("intermediate.dense", size, inner),
            ("output.dense", inner, size),
        ):
            found |= {f"{root}.{name}.weight": (outs, ins), f"{root}.{name}.bias": (outs,)}
        blocks += [f"{root}.attention.output", f"{root}.output"]
    return found | {f"{block}.LayerNorm.{kind}": (size,) for block in blocks for kind in ("weight", "bias")}


class Bert:
    """An encoder, its weights read from a safetensors file of which :func:`shapes` has been made sure.

    :param config: the model's ``config.json``.
    """

    def __init__(self, weights: Path, config: Mapping[str, Any]) -> None:
        import numpy as np

        self._heads = int(config["num_attention_heads"])
        self._epsilon = np.float32(config.get("layer_norm_eps", 1e-12))
        places = tensors(weights)
        shrink = np.float32((int(config["hidden_size"]) // self._heads) ** -0.5)

        def get(name: str) -> Array:
            place = places[name]
            count = int(np.prod(place.shape))
            return np.fromfile(weights, "<f4", count, offset=place.offset).reshape(place.shape)

        def dense(name: str) -> _Dense:
            return _Dense(get(f"{name}.weight").T, get(f"{name}.bias"))

        def scale(name: str) -> _Scale:
            return _Scale(get(f"{name}.LayerNorm.weight"), get(f"{name}.LayerNorm.bias"))

        def joined(name: str) -> _Dense:
            """Query, key and value as one product; the query scaled as its scores would be."""
            parts = [dense(f"{name}.{part}") for part in ("query", "key", "value")]
            parts[0] = _Dense(parts[0].weight * shrink, parts[0].bias * shrink)
            return _Dense(
                np.concatenate([part.weight for part in parts], axis=1),
                np.concatenate([part.bias for part in parts]),
            )

        # Half of the weights, of which a text needs a few rows: left in the file, in memory that processes share.
        words = places["embeddings.word_embeddings.weight"]
        self._words: Array = np.memmap(weights, "<f4", "r", words.offset, words.shape)
        kind = get("embeddings.token_type_embeddings.weight")[0]
        self._positions = get("embeddings.position_embeddings.weight") + kind
        self._after_embedding = scale("embeddings")
        self._layers = [
            _Layer(
                qkv=joined(f"{root}.attention.self"),
                attended=dense(f"{root}.attention.output.dense"),
                after_attention=scale(f"{root}.attention.output"),
                up=dense(f"{root}.intermediate.dense"),
                down=dense(f"{root}.output.dense"),
                after_feed=scale(f"{root}.output"),
            )
            for root in (f"encoder.layer.{layer}" for layer in range(int(config["num_hidden_layers"])))
        ]

    def means(self, batch: Sequence[Sequence[int]]) -> Array:
        """For each text, given as the numbers of its pieces, the mean of its pieces' vectors, float32[n, d].

        Texts of one length are cheapest side by side. May be called from several threads at once.
        """
        import numpy as np

        lengths = np.array([len(text) for text in batch])
        starts = np.cumsum(lengths) - lengths
        x = np.asarray(self._words)[np.concatenate([np.asarray(text) for text in batch])]
        x += self._positions[np.concatenate([np.arange(length) for length in lengths])]
        with np.errstate(all="ignore"):  # exp(x) overflows where it should; NaN is looked for in the result
            self._normalise(x, self._after_embedding)
            scratch = _Scratch()
            for layer in self._layers:
                self._attend(x, layer, lengths.tolist(), scratch)
                self._feed(x, layer, scratch)
            sums: Array = np.add.reduceat(x, starts, axis=0)
        sums /= lengths[:, None]
        return sums

    def _normalise(self, x: Array, scale: _Scale) -> None:
        import numpy as np

        x -= x.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", x, x) / np.float32(x.shape[1])
        x *= (1 / np.sqrt(variance + self._epsilon))[:, None]
        x *= scale.weight
        x += scale.bias

    def _attend(self, x: Array, layer: _Layer, lengths: list[int], scratch: _Scratch) -> None:
        import numpy as np

        qkv = np.matmul(x, layer.qkv.weight, out=scratch.get("qkv", len(x), len(layer.qkv.bias)))
        qkv += layer.qkv.bias
        found = scratch.get("found", *x.shape)
        width = x.shape[1] // self._heads
        for first, count, length in _runs(lengths):
            rows = slice(first, first + count * length)
            by_head = qkv[rows].reshape(count, length, 3, self._heads, width).transpose(2, 0, 3, 1, 4)
            into = found[rows].reshape(count, length, self._heads, width).transpose(0, 2, 1, 3)
            texts = max(1, _ATTENTION_BLOCK // (self._heads * length * length))
            heads = max(1, _ATTENTION_BLOCK // (length * length))
            for text in range(0, count, texts):
                for head in range(0, self._heads, heads):
                    block = (slice(text, text + texts), slice(head, head + heads))
                    query, key, value = (part[block] for part in by_head)
                    into[block] = _attention(query, key, value, scratch)
        x += np.matmul(found, layer.attended.weight, out=scratch.get("out", *x.shape))
        x += layer.attended.bias
        self._normalise(x, layer.after_attention)

    def _feed(self, x: Array, layer: _Layer, scratch: _Scratch) -> None:
        import numpy as np

        inner = np.matmul(x, layer.up.weight, out=scratch.get("inner", len(x), len(layer.up.bias)))
        for first in range(0, len(inner), _GELU_ROWS):
            rows = inner[first : first + _GELU_ROWS]
            rows += layer.up.bias
            gelu(rows, scratch)
        x += np.matmul(inner, layer.down.weight, out=scratch.get("out", *x.shape))
        x += layer.down.bias
        self._normalise(x, layer.after_feed)


class _Scratch:
    """Arrays that are used again for every layer: fresh memory costs more than the arithmetic done in it."""

    def __init__(self) -> None:
        self._arrays: dict[str, Array] = {}

    def get(self, name: str, *shape: int) -> Array:
        """An array of that shape with anything in it; the one before of that name is gone."""
        import numpy as np

        size = int(np.prod(shape))
        if name not in self._arrays or self._arrays[name].size < size:
            self._arrays[name] = np.empty(size, np.float32)
        return self._arrays[name][:size].reshape(shape)


def _runs(lengths: list[int]) -> Iterator[tuple[int, int, int]]:
    """Neighbours of one length, as (first row, how many texts, their length)."""
    first = start = 0
    for index in range(1, len(lengths) + 1):
        if index == len(lengths) or lengths[index] != lengths[start]:
            count = index - start
            yield first, count, lengths[start]
            first += count * lengths[start]
            start = index


def _attention(query: Array, key: Array, value: Array, scratch: _Scratch) -> Array:
    """softmax(query · keyᵀ) · value, for each text and head."""
    import numpy as np

    shape = (*query.shape[:2], query.shape[2], query.shape[2])
    across = key.transpose(0, 1, 3, 2)
    scores = np.matmul(query, across, out=scratch.get("scores", *shape))
    plain = bool(scores.max() <= _HIGHEST_SCORE)
    if plain:
        np.exp(scores, out=scores)
        sums = np.einsum("thij->thi", scores)[..., None]
        plain = bool(sums.min() >= _LOWEST_SUM)
    if not plain:
        np.matmul(query, across, out=scores)
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        sums = np.einsum("thij->thi", scores)[..., None]
    found: Array = np.matmul(scores, value)
    found /= sums
    return found


def gelu(x: Array, scratch: _Scratch | None = None) -> None:
    """The exact GELU, x · phi(x), in place, to 1e-7: NumPy has no error function."""
    import numpy as np

    scratch = scratch or _Scratch()
    square = np.multiply(x, x, out=scratch.get("square", *x.shape))
    power = np.multiply(square, np.float32(_GELU[-1]), out=scratch.get("power", *x.shape))
    for factor in _GELU[-2:0:-1]:
        power += np.float32(factor)
        power *= square
    power += np.float32(_GELU[0])
    power *= x
    np.exp(power, out=power)
    power += np.float32(1)
    np.divide(x, power, out=x)
