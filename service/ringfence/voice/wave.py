"""Sound as Asterisk's `wav` format wants it: 8,000 samples a second, 16 bits, one channel. Pure.

Synthesisers speak at 16,000 to 24,000 samples a second. Resampling is a few lines, and saves
every site another program.
"""

from __future__ import annotations

import io
import math
import sys
import wave
from array import array
from collections.abc import Sequence
from operator import mul
from typing import Final

RATE: Final = 8000
SAMPLE_BYTES: Final = 2
PEAK: Final = 0.7
"""Of full scale: all voices equally loud, and room for what networks add."""
SILENCE: Final = 0.01
"""Of the loudest sample; what stays below it at either end is cut off, but for a margin."""
MARGIN_SAMPLES: Final = RATE // 10

_CUTOFF_HERTZ: Final = 3700.0
_CROSSINGS: Final = 12
"""Zero crossings of the low-pass on either side: what lies above 4 kHz would come back as hiss."""


class WaveError(ValueError):
    """Not a sound we can use; the message says why."""


def telephone_wave(spoken: bytes) -> bytes:
    """Any 16-bit one-channel WAV as one that Asterisk plays. Raises WaveError."""
    samples, rate = _read(spoken)
    resampled = _resample(samples, rate) if rate != RATE else [float(sample) for sample in samples]
    loudest = max((abs(sample) for sample in resampled), default=0.0)
    if loudest == 0.0:
        raise WaveError("it is silent")
    gain = PEAK * 32767 / loudest
    return _written(array("h", (round(sample * gain) for sample in _trimmed(resampled, loudest * SILENCE))))


def _trimmed(samples: list[float], threshold: float) -> list[float]:
    """Without the pause a synthesiser makes after a sentence: `call-from` is followed by a number at once."""
    loud = [index for index, sample in enumerate(samples) if abs(sample) >= threshold]
    return samples[max(0, loud[0] - MARGIN_SAMPLES) : loud[-1] + 1 + MARGIN_SAMPLES]


def seconds_of(size_bytes: int) -> float:
    """How long a file of ours is."""
    return max(0, size_bytes - 44) / (RATE * SAMPLE_BYTES)


def is_telephone_wave(content: bytes) -> bool:
    """Whether Asterisk plays this WAV."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            return (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, SAMPLE_BYTES, RATE)
    except (wave.Error, EOFError):
        return False


def _read(spoken: bytes) -> tuple[array[int], int]:
    # Written to a pipe, a WAV says in its head that it is 2 GB long; `readframes` gives what there is.
    try:
        with wave.open(io.BytesIO(spoken)) as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, SAMPLE_BYTES):
                raise WaveError("it is not one channel of 16 bits")
            rate = file.getframerate()
            raw = file.readframes(len(spoken))
    except (wave.Error, EOFError) as error:
        raise WaveError(f"it is no WAV file: {error}") from error
    samples = array("h", raw[: len(raw) - len(raw) % SAMPLE_BYTES])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples, rate


def _written(samples: array[int]) -> bytes:
    if sys.byteorder == "big":
        samples.byteswap()
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, SAMPLE_BYTES, RATE, len(samples), "NONE", "not compressed"))
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


def _resample(samples: Sequence[int], rate: int) -> list[float]:
    """By a windowed sinc, one set of weights for each of the few distances an output can have from an input."""
    divisor = math.gcd(rate, RATE)
    up, down = RATE // divisor, rate // divisor
    reach = math.ceil(_CROSSINGS * rate / (2 * _CUTOFF_HERTZ))
    phases = [_weights(phase / up, reach, rate) for phase in range(up)]
    padded = [0.0] * reach + [float(sample) for sample in samples] + [0.0] * (reach + 1)
    out = []
    for index in range(len(samples) * up // down):
        whole, phase = divmod(index * down, up)
        # The weights begin `reach - 1` inputs before, and the padding is `reach` long.
        out.append(sum(map(mul, phases[phase], padded[whole + 1 : whole + 1 + 2 * reach])))
    return out


def _weights(offset: float, reach: int, rate: int) -> list[float]:
    """For an output that lies `offset` inputs behind an input: those of the 2 * reach inputs around it."""
    share = 2 * _CUTOFF_HERTZ / rate
    weights = []
    for tap in range(-reach + 1, reach + 1):
        distance = tap - offset
        x = distance * share
        sinc = 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)
        window = 0.5 + 0.5 * math.cos(math.pi * distance / (reach + 1))
        weights.append(share * sinc * window)
    return weights
