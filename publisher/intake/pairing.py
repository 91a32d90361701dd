"""Which `.yaml` in a folder speaks of which file beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from publisher.intake.sidecar import is_sidecar


@dataclass(frozen=True, slots=True)
class Pairs:
    """Sidecar names by the name of the file they speak of; the rest with the reason (Chinese) why they wait.

    `doubted` are files of which two sidecars, or of whose sidecar two files, might be meant: they wait as well.
    """

    sidecars: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)
    doubted: Mapping[str, str] = field(default_factory=dict)


def pair(names: Collection[str]) -> Pairs:
    """`公告.docx.yaml` speaks of `公告.docx`; `公告.yaml` of the only file or folder named 公告 or 公告.*."""
    owners = [name for name in names if not is_sidecar(name)]
    sidecars: dict[str, str] = {}
    waiting: dict[str, str] = {}
    doubted: dict[str, str] = {}
    for name in sorted(name for name in names if is_sidecar(name)):
        stem = name.rsplit(".", 1)[0]
        meant = [stem] if stem in owners else [one for one in owners if one.rsplit(".", 1)[0] == stem]
        if not meant:
            waiting[name] = "说明文件旁没有同名的公告文件"
        elif len(meant) > 1 or meant[0] in sidecars:
            waiting[name] = "说明文件与公告文件不是一一对应，请写全文件名（如 公告.docx.yaml）"
            doubted.update(dict.fromkeys(meant, f"有不止一份说明文件或公告文件同名（{name}）"))
        else:
            sidecars[meant[0]] = name
    return Pairs({k: v for k, v in sidecars.items() if k not in doubted}, waiting, doubted)
