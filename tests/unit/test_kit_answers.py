"""Rules by which answers are understood, and the templates of requests."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from channels.kit.answers import Place, Rule, Words
from channels.kit.http import Answer
from channels.kit.templates import Fields, Text
from publisher.errors import NeedsPerson, Reason, SettingsError


def words(body: str, status: int = 200) -> Words:
    return Words(Answer(status, {}, body.encode(), "POST site/a"))


class TestRules:
    @pytest.mark.parametrize(
        ("body", "status", "rule", "holds"),
        [
            ('{"errcode": 0}', 200, {"path": "errcode", "equals": [0]}, True),
            ('{"errcode": "0"}', 200, {"path": "errcode", "equals": [0]}, False),
            ('{"errcode": false}', 200, {"path": "errcode", "equals": [0]}, False),
            ('{"errcode": 40001}', 200, {"path": "errcode", "equals": [0]}, False),
            ("{}", 200, {"path": "errcode", "equals": [0]}, False),
            ('{"errcode": 0', 200, {"path": "errcode", "equals": [0]}, False),
            ("", 200, {"path": "errcode"}, False),
            ('{"id": null}', 200, {"path": "id"}, False),
            ('{"id": null}', 200, {"path": "id", "equals": [None]}, True),
            ('{"a": [{"id": 7}]}', 200, {"path": "a.0.id", "equals": [7]}, True),
            ('{"a": [{"id": 7}]}', 200, {"path": "a.1.id"}, False),
            ('{"a": "text"}', 200, {"path": "a.0"}, False),
            ('{"errcode": 0}', 500, {"path": "errcode", "equals": [0]}, False),
            ('{"errcode": 0}', 500, {"status": [500], "path": "errcode", "equals": [0]}, True),
            ("", 409, {"status": [409]}, True),
            ("发布成功，编号 7", 200, {"matches": "发布成功"}, True),
            ("发布不成功", 200, {"matches": "发布成功"}, False),
            ('{"msg": "发布成功"}', 200, {"path": "msg", "matches": "^发布成功$"}, True),
        ],
    )
    def test_a_rule_holds_only_if_every_condition_does(
        self, body: str, status: int, rule: dict[str, Any], holds: bool
    ) -> None:
        assert words(body, status).has(Rule.model_validate(rule)) is holds

    @pytest.mark.parametrize("rule", [{}, {"equals": [0]}, {"matches": "("}, {"path": "a", "equal": [0]}])
    def test_a_rule_that_says_nothing_or_nonsense_is_refused(self, rule: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            Rule.model_validate(rule)

    def test_an_answer_that_is_no_text_has_no_words(self) -> None:
        broken = Words(Answer(200, {}, b"\xff\xff\xff", "POST site/a"))
        assert not broken.has(Rule(matches="."))
        assert not broken.has(Rule(path="result"))


class TestPlaces:
    def test_values_are_found_by_path_and_by_pattern(self) -> None:
        answer = words('{"data": {"no": 17, "link": "见 http://site/17 处", "none": null, "blank": " "}}')
        assert answer.find(Place(path="data.no")) == "17"
        assert answer.find(Place(path="data.link", pattern=r"(http\S+)")) == "http://site/17"
        assert answer.find(Place(path="data.none")) is None
        assert answer.find(Place(path="data.blank")) is None
        assert answer.find(Place(path="data")) is None
        assert answer.find(None) is None
        assert words("编号：YL-1，").find(Place(pattern="编号：([^，]+)")) == "YL-1"

    @pytest.mark.parametrize("place", [{}, {"pattern": "no group"}])
    def test_a_place_that_is_nowhere_is_refused(self, place: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            Place.model_validate(place)

    def test_messages_name_the_fields(self) -> None:
        answer = words('{"message": "内容有误", "errors": {"title": "不能为空"}, "more": ["甲", "甲", "乙"]}')
        places = [Place(path="message"), Place(path="errors"), Place(path="more"), Place(path="nothing")]
        assert answer.messages(places) == "内容有误；title：不能为空；甲；乙"


class TestTemplates:
    def test_a_missing_variable_is_an_error_and_never_a_blank(self) -> None:
        with pytest.raises(NeedsPerson) as caught:
            Text("submit.path", "/a/{{ nothing }}").render({})
        assert caught.value.reason is Reason.TEMPLATE_FAULT
        assert "submit.path" in caught.value.detail

    def test_a_wrong_template_is_found_when_the_adapter_is_made(self) -> None:
        with pytest.raises(SettingsError, match=r"options\.submit\.path"):
            Text("submit.path", "/a/{{ key")

    @pytest.mark.parametrize(
        "source", ["{{ ''.__class__.__mro__ }}", "{{ values.update({'a': 1}) }}", "{{ 1 / 0 }}", "{{ key.nothing }}"]
    )
    def test_templates_cannot_reach_out_and_their_faults_are_named(self, source: str) -> None:
        with pytest.raises(NeedsPerson):
            Text("fields", source).render({"key": "k", "values": {}})

    def test_text_of_a_notice_is_not_a_template(self) -> None:
        assert Text("t", "{{ title }}").render({"title": "{{ secrets }} <b>"}) == "{{ secrets }} <b>"

    def test_bodies_nest_and_repeat(self) -> None:
        fields = Fields(
            "f",
            {"a": "{{ x }}", "b": ["1", {"c": "{{ x }}"}], "d": {"each": "list", "as": "{{ position }}:{{ item }}"}},
        )
        assert fields.render({"x": "X", "list": ["p", "q"]}) == {"a": "X", "b": ["1", {"c": "X"}], "d": ["1:p", "2:q"]}

    def test_a_list_to_repeat_that_does_not_exist_is_an_error(self) -> None:
        with pytest.raises(NeedsPerson):
            Fields("f", {"d": {"each": "nothing", "as": "x"}}).render({})

    def test_a_number_is_no_template(self) -> None:
        wrong: Any = {"a": 1}
        with pytest.raises(SettingsError, match=r"options\.f\.a"):
            Fields("f", wrong)
