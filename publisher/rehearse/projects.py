"""The projects of a rehearsed year: what each is called, how it is bought or sold, and what it comes to.

The sums are exact: what is drawn at random is shared out so that nothing is over.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from publisher.rehearse.targets import YEAR, Group, Targets


@dataclass(frozen=True, slots=True)
class Project:
    """One project. Amounts in 分: `amount` as awarded, `planned` the limit or reserve that is printed (None: none).

    `group`: works, procurement, land or property. `method` is the form of its announcement. `rate_price`: the
    result prints a discount, and staff type in the total. `misprint`: 分 by which the first result is wrong.
    """

    no: str
    name: str
    group: str
    owner: str
    winner: str
    method: str
    result: str
    amount: int
    planned: int | None
    done: bool = True
    rate_price: bool = False
    misprint: int = 0

    @property
    def high(self) -> bool:
        """Whether its announcement goes to a site of the province or the nation."""
        return self.method in ("公开招标公告", "招标公告")


_PLACES = (
    "鲁城街道",
    "书院街道",
    "时庄街道",
    "小雪街道",
    "陵城镇",
    "姚村镇",
    "吴村镇",
    "息陬镇",
    "尼山镇",
    "王庄镇",
    "防山镇",
    "石门山镇",
)
_OFFICES = (
    "教育和体育局",
    "卫生和计划生育局",
    "水务局",
    "交通运输局",
    "农业局",
    "财政局",
    "公安局",
    "文物局",
    "住房和城乡建设局",
    "林业局",
)
_WORKS = (
    "道路改造工程施工",
    "社区建设工程施工",
    "河道治理工程施工",
    "中学教学楼工程施工",
    "污水管网工程施工",
    "安置房工程施工",
)
_GOODS = (
    "办公设备采购",
    "教学仪器采购",
    "医疗设备采购",
    "物业管理服务采购",
    "环卫车辆采购",
    "信息系统运维服务采购",
    "图书采购",
    "绿化养护服务采购",
)
_METHODS = (("竞争性磋商公告", "成交结果公告"), ("竞争性谈判公告", "成交结果公告"), ("询价公告", "成交结果公告"))
_FIRMS = ("华泰", "鲁成", "中圣", "恒信", "天元", "宏业", "金诚", "瑞丰", "东方", "齐鲁", "圣源", "安泰")


def projects_of(targets: Targets) -> list[Project]:
    """The completed projects and those that are only announced, in the order of their numbers."""
    chance = random.Random(f"projects {targets.seed}")
    made = _works(targets.works, chance) + _procurement(targets, chance) + _selling(targets, chance)
    return made + _unfinished(targets, chance)


# ---- sharing out


def shared(total: int, weights: Sequence[float]) -> list[int]:
    """`total` 分 in whole 元, by weight; the parts add up to it and none is under 1 元."""
    yuan = total // 100 - len(weights)
    whole = sum(weights)
    parts = [int(yuan * weight / whole) for weight in weights]
    parts[-1] += yuan - sum(parts)
    return [(part + 1) * 100 for part in parts]


def _amounts(group: Group, chance: random.Random) -> list[int]:
    return shared(group.amount, [chance.lognormvariate(0, 0.5) for _ in range(group.projects)])


def _planned(amounts: list[int], rate: int, without: set[int], chance: random.Random) -> list[int | None]:
    """Limits so that all savings over all limits are the rate; `without` have none."""
    compared = [i for i in range(len(amounts)) if i not in without]
    awarded = sum(amounts[i] for i in compared)
    limit = round(awarded * 10000 / (10000 - rate) / 100) * 100
    saved = shared(limit - awarded, [amounts[i] * chance.uniform(0.7, 1.3) for i in compared])
    planned: list[int | None] = [None] * len(amounts)
    for index, part in zip(compared, saved, strict=True):
        planned[index] = amounts[index] + part
    return planned


def _some(count: int, share: float, chance: random.Random) -> set[int]:
    """Some of the indexes below `count`; never so many that fewer than one is left."""
    return set(chance.sample(range(count), min(int(count * share), count - 1)))


# ---- groups


def _works(group: Group, chance: random.Random) -> list[Project]:
    amounts = _amounts(group, chance)
    planned = _planned(amounts, group.rate, _some(len(amounts), 0.03, chance), chance)
    wrong = _some(len(amounts), 0.03, chance)
    return [
        Project(
            no=f"QFGC-{YEAR}-{i + 1:04}",
            name=f"曲阜市{_PLACES[i % len(_PLACES)]}{_WORKS[i % len(_WORKS)]}（{i + 1}号）",
            group="works",
            owner=f"曲阜市{_PLACES[i % len(_PLACES)]}建设办公室",
            winner=f"山东{chance.choice(_FIRMS)}建设工程有限公司",
            method="招标公告",
            result="中标结果公告",
            amount=amount,
            planned=planned[i],
            misprint=1000 * 100 if i in wrong else 0,
        )
        for i, amount in enumerate(amounts)
    ]


def _procurement(targets: Targets, chance: random.Random) -> list[Project]:
    group = targets.procurement
    amounts = _amounts(group, chance)
    planned = _planned(amounts, group.rate, _some(len(amounts), 0.025, chance), chance)
    wrong, rated = _some(len(amounts), 0.05, chance), _some(len(amounts), 0.008, chance)
    publicly = _some(len(amounts), 0.42, chance)
    made = []
    for i, amount in enumerate(amounts):
        method, result = ("公开招标公告", "中标结果公告") if i in publicly else _METHODS[i % len(_METHODS)]
        owner = f"曲阜市{_OFFICES[i % len(_OFFICES)]}"
        made.append(
            Project(
                no=f"QFCG-{YEAR}-{i + 1:04}",
                name=f"{owner}{_GOODS[i % len(_GOODS)]}项目（{i + 1}号）",
                group="procurement",
                owner=owner,
                winner=f"济宁{chance.choice(_FIRMS)}科技有限公司",
                method=method,
                result=result,
                amount=amount,
                planned=planned[i],
                rate_price=i in rated,
                misprint=100 * 100 if i in wrong and i not in rated else 0,
            )
        )
    return made


def _selling(targets: Targets, chance: random.Random) -> list[Project]:
    amounts = _amounts(targets.land_property, chance)
    gains = shared(targets.gained, [amount * chance.uniform(0.5, 1.5) for amount in amounts])
    lands = len(amounts) * 2 // 3
    made = []
    for i, (amount, gain) in enumerate(zip(amounts, gains, strict=True)):
        land = i < lands
        made.append(
            Project(
                no=f"{'QFTD' if land else 'QFCQ'}-{YEAR}-{i + 1:04}",
                name=f"曲阜市{i + 1}号宗地国有建设用地使用权"
                if land
                else f"曲阜市{_PLACES[i % 12]}资产（{i + 1}号）产权",
                group="land" if land else "property",
                owner="曲阜市国土资源局" if land else f"曲阜市{_PLACES[i % 12]}资产管理中心",
                winner=f"曲阜{chance.choice(_FIRMS)}置业有限公司",
                method="出让公告" if land else "转让公告",
                result="成交公示" if land else "交易结果公告",
                amount=amount,
                planned=amount - gain,
            )
        )
    return made


def _unfinished(targets: Targets, chance: random.Random) -> list[Project]:
    made = []
    for i in range(targets.open_projects):
        number, owner = targets.procurement.projects + i + 1, f"曲阜市{_OFFICES[i % len(_OFFICES)]}"
        method, result = _METHODS[i % len(_METHODS)]
        limit = chance.randint(10, 90) * 10**6
        name = f"{owner}{_GOODS[i % len(_GOODS)]}项目（{number}号）"
        made.append(
            Project(f"QFCG-{YEAR}-{number:04}", name, "procurement", owner, "", method, result, 0, limit, done=False)
        )
    return made
