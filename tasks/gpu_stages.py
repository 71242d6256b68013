"""The stages that may work on a GPU: those whose engines hold a model. A plan's `gpu_stages` chooses among them."""

from __future__ import annotations

from typing import Any

from dub.errors import BadInput
from dub.stage import Stage, stage_named

MODULES = {
    "separate": "tasks.separate",
    "diarize": "tasks.diarize",
    "transcribe": "tasks.transcribe",
    "enroll": "tasks.enroll",
    "track_faces": "tasks.track_faces",
    "build_mouth_bank": "tasks.build_mouth_bank",
    "translate": "tasks.translate",
    "cast_for": "tasks.enroll",
    "speak": "tasks.speak",
    "speak_freely": "tasks.speak_freely",
    "learn_lips": "tasks.learn_lips",
    "plan_lips": "tasks.plan_lips",
    "render_lips": "tasks.render_lips",
    "track_part": "tasks.track_faces",
    "animate_portrait": "tasks.animate_portrait",
    "enlarge": "tasks.enlarge",
    "review": "tasks.review",
    "review_portrait": "tasks.review_portrait",
}


def gpu_stage(name: str) -> Stage[Any, Any]:
    """Raises BadInput for a stage that is not in this list."""
    check_names((name,))
    return stage_named(MODULES[name], name)


def check_names(names: tuple[str, ...]) -> None:
    """Raises BadInput naming the first that is no GPU stage."""
    for name in names:
        if name not in MODULES:
            raise BadInput(f"{name!r} is no stage that can use a GPU", mend=f"one of: {', '.join(MODULES)}")
