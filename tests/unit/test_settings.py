"""The settings: what is taken, what is put right with a note, what is refused and how well that is said."""

from __future__ import annotations

import textwrap
from datetime import timedelta
from pathlib import Path

import pytest

from publisher.errors import SettingsError
from publisher.notice import Form, Kind, ProjectClass
from publisher.settings import (
    IntakeSettings,
    Settings,
    channel_config,
    channel_folder,
    load_settings,
    open_channel,
    parse_duration,
)
from publisher.toml_lines import line_of

OFFICE = 'office = "曲阜市公共资源交易中心"\n'
SECTION = """\
[county_site]
title = "县级网站"
adapter = "tests.support.settings_channels:OneByOne"
tier = "county"
carries = [{ carry = "mandatory" }]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "publisher.toml").write_text(OFFICE, "utf-8")
    (folder / "channels.toml").write_text(SECTION, "utf-8")
    return folder


def write(home: Path, name: str, text: str) -> None:
    (home / f"{name}.toml").write_text(textwrap.dedent(text), "utf-8")


def refusal(home: Path, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(home, environ or {})
    return str(caught.value)


def section(home: Path, lines: str) -> None:
    write(home, "channels", SECTION + lines)


def load(home: Path) -> Settings:
    return load_settings(home, {})


def test_a_folder_without_settings_gets_the_shipped_ones(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "nothing", {})
    assert [channel.name for channel in settings.channels] == [
        *("county_site", "city_site", "county_portal", "sd_procurement", "sd_works", "national_site"),
        *("wechat_feed", "hall_led"),
    ]
    assert settings.office
    assert not settings.ledger.real
    assert settings.notes == ()


def test_the_shipped_settings_say_what_the_defaults_say(tmp_path: Path, home: Path) -> None:
    shipped = load_settings(tmp_path / "nothing", {})
    bare = load(home)
    assert (shipped.sending, shipped.intake) == (bare.sending, bare.intake)
    assert shipped.folders.drop == bare.folders.drop == "待发布"


def test_relative_folders_stand_under_data(home: Path, tmp_path: Path) -> None:
    settings = load_settings(home, {}, data=tmp_path / "elsewhere")
    assert settings.data == tmp_path / "elsewhere"
    assert settings.folders.root == tmp_path / "elsewhere" / "folders"
    assert settings.heads_folder == tmp_path / "elsewhere" / "heads"
    assert channel_folder(settings, settings.channels[0]) == tmp_path / "elsewhere" / "out" / "county_site"
    assert settings.ledger_url == f"sqlite:///{tmp_path / 'elsewhere' / 'ledger.sqlite3'}"


def test_the_data_folder_comes_from_argument_then_environment_then_file(home: Path, tmp_path: Path) -> None:
    write(home, "publisher", OFFICE + 'data = "../mine"\n')
    environ = {"PUBLISHER_DATA": str(tmp_path / "theirs")}
    assert load(home).data == tmp_path / "mine"
    assert load_settings(home, environ).data == tmp_path / "theirs"
    assert load_settings(home, environ, data=tmp_path / "given").data == tmp_path / "given"


def test_the_ledger_address_of_the_environment_wins_and_is_not_shown(home: Path) -> None:
    url = "postgresql://publisher:hunter2@127.0.0.1/publisher"
    settings = load_settings(home, {"PUBLISHER_LEDGER_URL": url})
    assert settings.ledger_url == url
    assert "hunter2" not in repr(settings)


def test_a_password_in_the_ledger_address_of_the_file_is_refused_and_not_repeated(home: Path) -> None:
    write(home, "publisher", OFFICE + '[ledger]\nurl = "postgresql://publisher:hunter2@127.0.0.1/publisher"\n')
    message = refusal(home)
    assert "publisher.toml:3: ledger.url" in message
    assert "PUBLISHER_LEDGER_URL" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("12h", timedelta(hours=12)),
        ("2d", timedelta(days=2)),
        ("0.5s", timedelta(seconds=0.5)),
    ],
)
def test_durations_are_a_number_and_a_unit(text: str, span: timedelta) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize("value", ["5", "5 minutes", "h", "-5s", "５s", "", True])
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_duration(value)


@pytest.mark.parametrize("value", ['"5"', "5"])
def test_a_quiet_period_without_a_unit_is_refused_with_the_right_way_to_write_it(home: Path, value: str) -> None:
    write(home, "publisher", OFFICE + f"[intake]\nquiet = {value}\n")
    message = refusal(home)
    assert 'publisher.toml:3: intake.quiet: 5 has no unit; write "5s"' in message


def test_an_unknown_key_is_refused_with_its_line_and_the_nearest_known_one(home: Path) -> None:
    write(home, "publisher", OFFICE + "\n[sending]\nthreads = 4\nretires = 5\njiter = 0.1\n")
    message = refusal(home)
    assert "publisher.toml:5: sending.retires: unknown key" in message
    assert "publisher.toml:6: sending.jiter: unknown key; did you mean jitter?" in message


def test_an_unknown_key_in_a_channel_is_refused_in_every_depth(home: Path) -> None:
    section(home, 'praktice = true\n[county_site.rate]\ncals = 5\ncalls = 5\nper = "1m"\n')
    message = refusal(home)
    assert "channels.toml:6: county_site.praktice: unknown key; did you mean practice?" in message
    assert "channels.toml:8: county_site.rate.cals: unknown key; did you mean calls?" in message


def test_all_problems_of_both_files_are_reported_at_once(home: Path) -> None:
    write(home, "publisher", '[sending]\nthreads = "16"\n')
    section(home, 'due_within = "soon"\n')
    message = refusal(home)
    assert "publisher.toml: office: is missing" in message
    assert "publisher.toml:2: sending.threads" in message
    assert "without quotes" in message
    assert "channels.toml:6: county_site.due_within: is no duration" in message


def test_two_channels_of_one_name_are_refused(home: Path) -> None:
    write(home, "channels", SECTION + SECTION)
    message = refusal(home)
    assert "channels.toml: the same name stands twice" in message
    assert "line 6" in message


def test_two_channels_of_one_title_or_one_folder_are_refused(home: Path) -> None:
    twin = SECTION.replace("county_site", "twin")
    write(home, "channels", SECTION + 'folder = "led"\n' + twin + 'folder = "led"\n')
    message = refusal(home)
    assert "twin.title: is also the title of county_site" in message
    assert "twin.folder: is also the folder of county_site" in message


@pytest.mark.parametrize("name", ["County", "1st", "县级网站", "a-b"])
def test_a_channel_name_that_is_no_identifier_is_refused(home: Path, name: str) -> None:
    write(home, "channels", SECTION.replace("[county_site]", f'["{name}"]'))
    assert "a channel's name is made of a-z, 0-9 and _" in refusal(home)


def test_a_feeding_channel_that_does_not_exist_is_refused(home: Path) -> None:
    section(
        home,
        '[county_site.options]\nfed_by = "city_sit"\n'
        + SECTION.replace("county_site", "city_site").replace("县", "市"),
    )
    message = refusal(home)
    assert "county_site.options.fed_by: names no other channel: city_sit; did you mean city_site?" in message


def test_a_channel_does_not_feed_itself(home: Path) -> None:
    section(home, 'options = { fed_by = "county_site" }\n')
    assert "fed_by: names no other channel" in refusal(home)


def test_blanks_around_an_address_are_taken_off_with_a_note(home: Path) -> None:
    section(home, 'options = { base_url = "\u3000 http://127.0.0.1:8701 " }\n')
    settings = load(home)
    assert settings.channels[0].options["base_url"] == "http://127.0.0.1:8701"
    assert len(settings.notes) == 1
    assert "channels.toml:6: county_site.options.base_url" in settings.notes[0]


@pytest.mark.parametrize(
    "address", ["http：//127.0.0.1", "ｈttp://127.0.0.1", "http://ggzy。qufu.gov.cn", "http://a．b"]
)
def test_full_width_characters_in_an_address_are_refused(home: Path, address: str) -> None:
    section(home, f'options = {{ base_url = "{address}" }}\n')
    message = refusal(home)
    assert "channels.toml:6: county_site.options.base_url: full-width character" in message


def test_a_blank_inside_an_address_is_refused(home: Path) -> None:
    section(home, 'options = { base_url = "http://127.0.0.1 :8701" }\n')
    assert "a blank inside an address" in refusal(home)


def test_chinese_titles_may_have_full_width_brackets(home: Path) -> None:
    write(home, "channels", SECTION.replace("县级网站", "公共资源交易网（县级）：首页"))
    assert load(home).channels[0].title == "公共资源交易网（县级）：首页"


@pytest.mark.parametrize("pattern", ["*", "*.docx", "*公告*", "?*", "*.*", ""])
def test_an_ignore_pattern_that_would_swallow_ordinary_files_is_refused(home: Path, pattern: str) -> None:
    write(home, "publisher", OFFICE + f'[intake]\nignore = ["{pattern}"]\n')
    message = refusal(home)
    assert "publisher.toml:3: intake.ignore" in message
    assert "globs" in message


@pytest.mark.parametrize(
    "name",
    [
        "~$招标公告.docx",
        ".~lock.招标公告.docx#",
        "~WRL0001.tmp",
        "a.crdownload",
        "Thumbs.db",
        "._招标公告.docx",
        "招标公告.docx.答复.txt",
        "17_招标公告.docx.退回原因.txt",
        "17_招标公告.docx.待处理说明.txt",
        "17_招标公告.docx.回执.txt",
    ],
)
def test_litter_is_ignored_by_default(name: str) -> None:
    assert IntakeSettings().is_litter(name)


@pytest.mark.parametrize(
    "name", ["招标公告.docx", "_招标公告.docx", "更正公告（一）.pdf", "答复.txt", "1.docx", "tmp.docx"]
)
def test_ordinary_names_are_not_ignored_by_default(name: str) -> None:
    assert not IntakeSettings().is_litter(name)


def test_sizes_may_have_a_unit(home: Path) -> None:
    write(home, "publisher", OFFICE + '[intake]\nmax_bytes = "2MB"\n')
    assert load(home).intake.max_bytes == 2 * 1024 * 1024
    write(home, "publisher", OFFICE + '[intake]\nmax_bytes = "2 megs"\n')
    assert "is no size" in refusal(home)


def test_a_practice_channel_on_a_real_ledger_is_refused(home: Path) -> None:
    write(home, "publisher", OFFICE + "[ledger]\nreal = true\n")
    message = refusal(home)
    assert "channels.toml:1: county_site.practice: a practice channel on a real ledger" in message


def test_a_real_channel_on_a_practice_ledger_is_refused(home: Path) -> None:
    section(home, "practice = false\n")
    message = refusal(home)
    assert "channels.toml:6: county_site.practice: a real channel on a practice ledger" in message


def test_a_channel_that_is_switched_off_may_be_of_the_other_sort(home: Path) -> None:
    section(home, "practice = false\nenabled = false\n")
    assert not load(home).channels[0].enabled


def test_a_real_channel_on_a_real_ledger_is_taken(home: Path) -> None:
    write(home, "publisher", OFFICE + "[ledger]\nreal = true\n")
    section(home, "practice = false\n")
    assert load(home).ledger.real


def test_approvals_default_to_none_in_practice_and_one_for_real(home: Path) -> None:
    assert load(home).approvals_needed == 0
    write(home, "publisher", OFFICE + "[ledger]\nreal = true\n")
    section(home, "practice = false\n")
    assert load(home).approvals_needed == 1
    write(home, "publisher", OFFICE + "approvals = 0\n[ledger]\nreal = true\n")
    assert load(home).approvals_needed == 0


@pytest.mark.parametrize("value", ["3", '"1"', "-1"])
def test_other_numbers_of_approvals_are_refused(home: Path, value: str) -> None:
    write(home, "publisher", OFFICE + f"approvals = {value}\n")
    assert "publisher.toml:2: approvals" in refusal(home)


def test_routing_rules_are_read_from_their_own_tables(home: Path) -> None:
    rule = """\
        [[county_site.carries]]
        kinds = ["bid_announcement"]
        forms = ["公开招标公告"]
        classes = ["procurement"]
        carry = "optional"
        default = false
        """
    write(home, "channels", SECTION.replace('carries = [{ carry = "mandatory" }]\n', "") + textwrap.dedent(rule))
    (rule,) = load(home).channels[0].carries
    assert rule.kinds == (Kind.BID_ANNOUNCEMENT,)
    assert rule.forms == (Form.OPEN_TENDER,)
    assert rule.classes == (ProjectClass.PROCUREMENT,)
    assert (rule.carry, rule.default) == ("optional", False)


def test_a_routing_word_that_does_not_exist_is_refused_with_the_known_ones(home: Path) -> None:
    write(
        home, "channels", SECTION.replace('{ carry = "mandatory" }', '{ kinds = ["bid_anouncement"], carry = "must" }')
    )
    message = refusal(home)
    assert "bid_announcement" in message
    assert "'mandatory', 'optional' or 'none'" in message


def test_a_rule_whose_form_is_not_of_its_kinds_is_refused(home: Path) -> None:
    rule = '{ kinds = ["change_notice"], forms = ["公开招标公告"], carry = "mandatory" }'
    write(home, "channels", SECTION.replace('{ carry = "mandatory" }', rule))
    assert "公开招标公告 is of none of these kinds" in refusal(home)


def test_a_rule_behind_one_that_matches_everything_is_refused(home: Path) -> None:
    write(home, "channels", SECTION.replace('{ carry = "mandatory" }', '{ carry = "none" }, { carry = "mandatory" }'))
    assert "rule 1 matches every notice" in refusal(home)


def test_a_secret_written_into_the_file_is_refused_and_not_repeated(home: Path) -> None:
    section(home, 'secrets = { password = "hunter2!" }\noptions = { app_secret = "sesame" }\n')
    message = refusal(home)
    assert "county_site.secrets: " in message
    assert "county_site.options: " in message
    assert "hunter2" not in message
    assert "sesame" not in message


def test_a_secret_comes_from_its_environment_variable_and_is_not_shown(home: Path) -> None:
    section(home, 'secrets = { password = "COUNTY_PASSWORD" }\n')
    settings = load(home)
    config = channel_config(settings, settings.channels[0], {"COUNTY_PASSWORD": "hunter2"})
    assert config.secrets == {"password": "hunter2"}
    assert "hunter2" not in repr(config)


@pytest.mark.parametrize("environ", [{}, {"COUNTY_PASSWORD": "  "}])
def test_a_missing_secret_is_named_by_its_variable(home: Path, environ: dict[str, str]) -> None:
    section(home, 'secrets = { password = "COUNTY_PASSWORD" }\n')
    settings = load(home)
    with pytest.raises(SettingsError, match=r"county_site.*COUNTY_PASSWORD is not set"):
        channel_config(settings, settings.channels[0], environ)


def test_a_secret_with_a_blank_at_its_end_is_refused_and_not_repeated(home: Path) -> None:
    section(home, 'secrets = { password = "COUNTY_PASSWORD" }\n')
    settings = load(home)
    with pytest.raises(SettingsError, match="COUNTY_PASSWORD begins or ends with a blank") as caught:
        channel_config(settings, settings.channels[0], {"COUNTY_PASSWORD": "hunter2 "})
    assert "hunter2" not in str(caught.value)


def test_a_channel_is_opened_from_its_dotted_path(home: Path) -> None:
    section(home, 'options = { base_url = "http://127.0.0.1:1" }\n')
    settings = load(home)
    opened = open_channel(settings, settings.channels[0], {})
    assert opened.config.options == {"base_url": "http://127.0.0.1:1"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("adapter", "message"),
    [
        (
            "tests.support.no_such_module:OneByOne",
            "county_site.adapter: tests.support.no_such_module cannot be imported",
        ),
        ("tests.support.settings_channels:OneByTwo", "has no class OneByTwo; did you mean OneByOne?"),
        ("tests.support.settings_channels:NoChannel", "is no channel"),
        ("tests.support.settings_channels:Particular", "county_site: options.colour is missing"),
        ("tests.support.settings_channels:Broken", "could not be made: out of luck"),
    ],
)
def test_an_adapter_that_cannot_be_used_is_refused_with_the_reason(home: Path, adapter: str, message: str) -> None:
    write(home, "channels", SECTION.replace("tests.support.settings_channels:OneByOne", adapter))
    settings = load(home)
    with pytest.raises(SettingsError) as caught:
        open_channel(settings, settings.channels[0], {})
    assert message in str(caught.value)


def test_an_operation_the_adapter_lacks_is_refused(home: Path) -> None:
    section(home, 'operations = ["publish", "withdraw"]\n')
    settings = load(home)
    with pytest.raises(SettingsError, match="operations: the adapter cannot withdraw"):
        open_channel(settings, settings.channels[0], {})


def test_set_settings_are_refused_for_a_channel_that_takes_one_notice_at_a_time(home: Path) -> None:
    section(home, 'shown_for = "30d"\n')
    settings = load(home)
    with pytest.raises(SettingsError, match="shown_for"):
        open_channel(settings, settings.channels[0], {})
    write(home, "channels", SECTION.replace("OneByOne", "WholeSet") + 'shown_for = "30d"\nrefresh = "1h"\n')
    settings = load(home)
    assert open_channel(settings, settings.channels[0], {})


def test_an_unknown_channel_is_refused_with_the_nearest_name(home: Path) -> None:
    settings = load(home)
    assert settings.channel("county_site") is settings.channels[0]
    with pytest.raises(SettingsError, match="did you mean county_site"):
        settings.channel("conty_site")


def test_two_staff_folders_of_one_name_are_refused(home: Path) -> None:
    write(home, "publisher", OFFICE + '[folders]\nworking = "待发布"\n')
    assert "two folders have the name 待发布" in refusal(home)


def test_a_staff_folder_is_one_name_and_no_path(home: Path) -> None:
    write(home, "publisher", OFFICE + '[folders]\nworking = "../处理中"\n')
    assert "publisher.toml:3: folders.working" in refusal(home)


def test_a_file_that_is_no_toml_is_named_with_its_line(home: Path) -> None:
    write(home, "publisher", OFFICE + "[sending\n")
    message = refusal(home)
    assert "publisher.toml: is no valid TOML" in message
    assert "line 2" in message
    assert "office: is missing" not in message


def test_a_file_in_another_encoding_is_named(home: Path) -> None:
    (home / "publisher.toml").write_bytes(OFFICE.encode("gb18030"))
    assert "publisher.toml: is not UTF-8" in refusal(home)


def test_a_file_with_a_byte_order_mark_is_read(home: Path) -> None:
    (home / "publisher.toml").write_bytes(OFFICE.encode("utf-8-sig"))
    assert load(home).office == "曲阜市公共资源交易中心"


def test_a_file_that_is_a_folder_is_named(home: Path) -> None:
    (home / "publisher.toml").unlink()
    (home / "publisher.toml").mkdir()
    assert "publisher.toml: cannot be read" in refusal(home)


def test_a_key_outside_a_section_is_named(home: Path) -> None:
    write(home, "channels", 'title = "无主"\n' + SECTION)
    assert "channels.toml:1: title: stands outside a channel's section" in refusal(home)


def test_settings_cannot_be_changed_once_read(home: Path) -> None:
    settings = load(home)
    with pytest.raises(ValueError, match="frozen"):
        settings.sending.threads = 1  # type: ignore[misc]


def test_lines_are_found_in_arrays_of_tables() -> None:
    text = "[a]\nx = 1\n[[a.b]]\ny = 1\n[[a.b]]\n# note\ny = 2\n[[a.b.c]]\nz = 1\n"
    assert line_of(text, ("a", "b", 0, "y")) == 4
    assert line_of(text, ("a", "b", 1, "y")) == 7
    assert line_of(text, ("a", "b", 1, "c", 0, "z")) == 9
    assert line_of(text, ("a", "b", 1, "missing")) == 5
    assert line_of(text, ("q",)) is None


def test_the_line_of_a_key_is_where_it_first_stands() -> None:
    assert line_of("[a]\nx = 1\n[b]\ny = 1\n# [a]\n[a.c]\nz = 1\n", ("a", "missing")) == 1


@pytest.mark.parametrize("key", ["poll", "note_after"])
def test_a_span_that_must_not_be_nought_is_refused(home: Path, key: str) -> None:
    write(home, "publisher", OFFICE + f'[intake]\n{key} = "0s"\n')
    assert f"publisher.toml:3: intake.{key}: must be longer than zero" in refusal(home)


def test_no_rest_and_no_quick_retry_may_be_asked_for(home: Path) -> None:
    write(home, "publisher", OFFICE + '[intake]\nquiet = "0s"\n[sending]\nquick_wait = "0s"\n')
    assert load(home).intake.quiet == load(home).sending.quick_wait == timedelta(0)


@pytest.mark.parametrize("pair", [("retry_first", "retry_cap"), ("breaker_first", "breaker_cap")])
def test_a_first_wait_beyond_the_longest_is_refused(home: Path, pair: tuple[str, str]) -> None:
    first, cap = pair
    write(home, "publisher", OFFICE + f'[sending]\n{first} = "1h"\n{cap} = "1m"\n')
    assert f"publisher.toml:2: sending: {first} is longer than {cap}" in refusal(home)


@pytest.mark.parametrize("value", ["true", '"0.2"', "1.5"])
def test_a_jitter_that_is_no_share_is_refused(home: Path, value: str) -> None:
    write(home, "publisher", OFFICE + f"[sending]\njitter = {value}\n")
    assert "publisher.toml:3: sending.jitter" in refusal(home)


def test_a_channel_that_does_not_publish_is_refused(home: Path) -> None:
    section(home, 'operations = ["withdraw"]\n')
    assert 'county_site.operations: must hold "publish"' in refusal(home)


@pytest.mark.parametrize("url", ["ledger.sqlite3", "mysql://127.0.0.1/publisher"])
def test_a_ledger_address_of_another_sort_is_refused(home: Path, url: str) -> None:
    write(home, "publisher", OFFICE + f'[ledger]\nurl = "{url}"\n')
    assert "publisher.toml:3: ledger.url: is no ledger address" in refusal(home)


def test_a_name_inside_a_section_is_refused(home: Path) -> None:
    section(home, 'name = "county"\n')
    assert "channels.toml:6: county_site.name: the section's heading is the channel's name" in refusal(home)


def test_an_adapter_that_is_fed_by_an_unknown_channel_is_refused(home: Path) -> None:
    write(home, "channels", SECTION.replace("OneByOne", "FedByNobody"))
    settings = load(home)
    with pytest.raises(SettingsError, match="there is no channel 'nobody'"):
        open_channel(settings, settings.channels[0], {})


@pytest.mark.parametrize("name", [".", ".."])
def test_a_staff_folder_is_not_a_dot(home: Path, name: str) -> None:
    write(home, "publisher", OFFICE + f'[folders]\ndrop = "{name}"\n')
    assert f"{name} is no folder name" in refusal(home)
