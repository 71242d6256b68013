"""Measure a finished sample with MediaPipe and ffmpeg: `python infra/make_sample/check.py samples/hello.mp4`.

Prints the share of frames with a face, the inner-lip aperture |13-14| / |33-263| on every bilabial, labiodental and
open vowel, mouth width in pixels, size and loudness. Exits with 1 when a bound of the sample is missed.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

LEAD_S = 0.050
CLOSED_BELOW, OPEN_ABOVE = 0.02, 0.08


def frames(video: Path, size_px: int) -> np.ndarray:
    """All frames, (n, size, size, 3) uint8 RGB."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(video)]
    raw = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, size_px, size_px, 3)


def landmarks(pictures: np.ndarray, model: Path, fps: int) -> list[np.ndarray | None]:
    """478 points in pixels per frame, or None where no face is found."""
    import mediapipe
    from mediapipe.tasks import python as tasks
    from mediapipe.tasks.python import vision

    options = vision.FaceLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(model)),
        running_mode=vision.RunningMode.VIDEO,
        num_faces=1,
    )
    found: list[np.ndarray | None] = []
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        for i, picture in enumerate(pictures):
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
            faces = landmarker.detect_for_video(image, i * 1000 // fps).face_landmarks
            size = picture.shape[0]
            found.append(np.array([[p.x * size, p.y * size] for p in faces[0]]) if faces else None)
    return found


def apertures(found: list[np.ndarray | None]) -> np.ndarray:
    """Inner-lip gap over outer-eye-corner distance per frame, nan without a face."""
    gap = [np.nan if f is None else np.linalg.norm(f[13] - f[14]) / np.linalg.norm(f[33] - f[263]) for f in found]
    return np.array(gap)


def loudness_lufs(video: Path) -> float:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostats", "-i", str(video)]
    log = subprocess.run([*command, "-af", "ebur128", "-f", "null", "-"], check=True, capture_output=True, text=True)
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", log.stderr)[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    home = Path(os.environ.get("POLYDUB_HOME", Path.home() / ".cache" / "polydub"))
    parser.add_argument("video", type=Path)
    parser.add_argument("--model", type=Path, default=home / "models" / "face-landmarker" / "face_landmarker.task")
    args = parser.parse_args()
    truth = json.loads(args.video.with_suffix(".json").read_text(encoding="utf-8"))
    fps = truth["fps"]
    found = landmarks(frames(args.video, truth["size_px"][0]), args.model, fps)
    gap = apertures(found)
    share = np.mean([f is not None for f in found])
    wide = np.array([np.linalg.norm(f[61] - f[291]) for f in found if f is not None])
    eyes = np.array([np.linalg.norm(f[33] - f[263]) for f in found if f is not None])
    print(f"frames {len(found)}, face found in {share:.1%}")
    print(f"mouth width px: median {np.median(wide):.0f}, least {wide.min():.0f}; eye corners {np.median(eyes):.0f} px")

    extremes: dict[str, list[float]] = {"bilabial": [], "labiodental": [], "open vowel": []}
    for p in truth["phonemes"]:
        first = round((p["start_s"] - LEAD_S) * fps)
        here = gap[max(0, first) : max(first + 2, round(p["end_s"] * fps) + 1)]
        kind = p["ipa"][0]
        if kind in "pbm":
            extremes["bilabial"].append(float(np.nanmin(here)))
        elif kind in "fv":
            extremes["labiodental"].append(float(np.nanmin(here)))
        elif kind in "aæɑɛʌɔ" and p["stress"] and p["end_s"] - p["start_s"] >= 0.08:
            extremes["open vowel"].append(float(np.nanmax(here)))
    for name, values in extremes.items():
        print(f"{name}: n {len(values)}, min {min(values):.3f}, median {np.median(values):.3f}, max {max(values):.3f}")
        print("   " + " ".join(f"{v:.3f}" for v in values))
    closed = np.mean(np.array(extremes["bilabial"]) < CLOSED_BELOW)
    opened = np.mean(np.array(extremes["open vowel"]) > OPEN_ABOVE)
    intended = np.array(truth["intended_aperture"])
    alike = np.corrcoef(intended[~np.isnan(gap)], gap[~np.isnan(gap)])[0, 1]
    rough = np.nanmean(np.abs(np.diff(gap, 2)))
    size_mb = args.video.stat().st_size / 1e6
    print(f"closed {closed:.0%} of bilabials, open {opened:.0%} of open vowels, intended/measured r {alike:.3f}")
    print(
        f"mean |second difference| of the aperture {rough:.4f}, file {size_mb:.2f} MB, {loudness_lufs(args.video)} LUFS"
    )
    return 0 if share >= 0.98 and closed == 1 and opened >= 0.9 and size_mb < 2 else 1


if __name__ == "__main__":
    sys.exit(main())
