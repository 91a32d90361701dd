"""Data of other systems: web archives, open contracting releases, records of the exchange standard."""

from __future__ import annotations

import base64
import json
import quopri

import pytest

from publisher.errors import NoticeReturned, Reason
from publisher.intake.readers.detect import FileType, file_type
from publisher.intake.reading import Draft, NamedBytes, read_files
from publisher.notice import Form, Kind
from tests.support import notice_texts as texts


def read(data: bytes) -> Draft:
    (draft,) = read_files([NamedBytes("公告", data)])
    return draft


def refused(data: bytes) -> list[Reason]:
    with pytest.raises(NoticeReturned) as error:
        read_files([NamedBytes("公告", data)])
    return [problem.reason for problem in error.value.problems]


def page(text: str = texts.OPEN_TENDER) -> str:
    return "<html><body>" + "".join(f"<p>{line}</p>" for line in text.splitlines()) + "</body></html>"


def web_archive(charset: str, encoding: str, *, of: str = "text/html") -> bytes:
    """A page as Chinese browsers and Word save it, with a picture beside it."""
    raw = page().encode(charset)
    body = base64.encodebytes(raw) if encoding == "base64" else quopri.encodestring(raw)
    return b"\r\n".join(
        [
            b"From: <Saved by a browser>",
            b"Subject: =?utf-8?B?5oub5qCH5YWs5ZGK?=",
            b"MIME-Version: 1.0",
            b"Content-Type: multipart/related;",
            b'\ttype="text/html"; boundary="--b"',
            b"",
            b"----b",
            f"Content-Type: {of}; charset={charset}".encode(),
            f"Content-Transfer-Encoding: {encoding}".encode(),
            b"",
            body,
            b"----b",
            b"Content-Type: image/png",
            b"Content-Transfer-Encoding: base64",
            b"",
            base64.b64encode(b"\x89PNG picture"),
            b"----b--",
        ]
    )


@pytest.mark.parametrize("charset", ["utf-8", "gb2312", "gb18030"])
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_web_archive_is_read_as_its_page(charset: str, encoding: str) -> None:
    data = web_archive(charset, encoding)
    draft = read(data)

    assert file_type(data) is FileType.MHT
    assert draft.fields == {**read(page().encode()).fields}
    assert "PNG" not in (draft.notice.text if draft.notice else "")


def test_a_web_archive_without_a_page_goes_back() -> None:
    assert refused(web_archive("utf-8", "base64", of="text/plain")) == [Reason.EMPTY_BODY]
    assert refused(web_archive("utf-8", "base64")[:200]) == [Reason.EMPTY_BODY]


def release(**changes: object) -> dict[str, object]:
    tender = {
        "id": "QFCG-2017-0503",
        "title": "曲阜市实验小学课桌椅采购项目公开招标公告",
        "description": "曲阜市实验小学采购课桌椅八百套，欢迎符合条件的供应商参加投标。",
        "procurementMethod": "open",
        "value": {"amount": 640000, "currency": "CNY"},
        "procuringEntity": {"name": "曲阜市实验小学"},
        "tenderPeriod": {"endDate": "2017-12-28T01:00:00Z"},
        "lots": [
            {"id": "1", "title": "课桌", "value": {"amount": 400000, "currency": "CNY"}},
            {"id": "2", "title": "椅子", "value": {"amount": 240000, "currency": "CNY"}},
        ],
        "documents": [{"title": "招标文件"}],
    }
    return {"ocid": "ocds-x-1", "id": "1", "tag": ["tender"], "tender": tender} | changes


def test_an_open_contracting_release_of_a_tender_is_a_notice() -> None:
    draft = read(json.dumps(release(), ensure_ascii=False).encode())

    assert not draft.problems and draft.notice is not None
    assert draft.fields["project_no"] == "QFCG-2017-0503"
    assert draft.fields["tenderee"] == "曲阜市实验小学"
    assert draft.fields["budget_yuan"] == "640000.00"
    assert draft.fields["bid_deadline"] == "2017-12-28T09:00:00+08:00"
    assert [lot["budget_yuan"] for lot in draft.fields["lots"]] == ["400000.00", "240000.00"]
    assert draft.notice.form is Form.OPEN_TENDER
    assert "640000元" in draft.notice.text


def test_an_award_release_names_supplier_code_and_price() -> None:
    award = {
        "id": "a",
        "status": "active",
        "value": {"amount": 618000.5, "currency": "CNY"},
        "suppliers": [{"name": "山东课桌有限公司", "identifier": {"id": "91420111751839827U"}}],
    }
    lost = {"id": "b", "status": "cancelled", "suppliers": [{"name": "别的公司"}]}
    tender = {"id": "QFCG-1", "title": "曲阜市实验小学课桌椅采购项目", "procuringEntity": {"name": "曲阜市实验小学"}}
    data = {"releases": [{"ocid": "o", "tag": ["award"], "tender": tender, "awards": [award, lost]}]}
    draft = read(json.dumps(data, ensure_ascii=False).encode())

    assert draft.notice is not None and draft.notice.kind is Kind.AWARD_RESULT
    (winner,) = draft.fields["winners"]
    assert (winner["name"], winner["credit_code"], winner["price_yuan"]) == (
        "山东课桌有限公司",
        "91420111751839827U",
        "618000.50",
    )


def test_a_release_without_a_title_and_an_empty_package_go_back() -> None:
    assert refused(json.dumps(release(tender={"id": "1"})).encode()) == [Reason.NOT_BY_SCHEMA]
    assert refused(b'{"releases": []}') == [Reason.NOT_BY_SCHEMA]


def exchange(inner: str) -> bytes:
    return f'<?xml version="1.0" encoding="GBK"?>\n<Data>{inner}</Data>'.encode("gb18030")


RECORD = (
    "<GCJS_NOTICE><TENDER_PROJECT_CODE>E3708810001</TENDER_PROJECT_CODE><NOTICE_NAME>曲阜市某某路改造工程招标公告"
    "</NOTICE_NAME><NOTICE_CONTENT><![CDATA[<p>本项目已由曲阜市发展和改革局批准建设，现公开招标，投标人须具备市政三级资质。"
    "</p><script>x</script>]]></NOTICE_CONTENT><BID_DOC_REFER_END_TIME>20171228090000</BID_DOC_REFER_END_TIME>"
    "<TENDERER_NAME>曲阜市某某局</TENDERER_NAME><TENDER_AGENCY_NAME>山东某某招标代理有限公司</TENDER_AGENCY_NAME>"
    "</GCJS_NOTICE>"
)


def test_a_record_of_the_exchange_standard_is_a_notice() -> None:
    for record in (RECORD, RECORD.replace("TENDERER_NAME", "tendererName").replace("NOTICE_NAME", "noticeName")):
        draft = read(exchange(record))

        assert draft.notice is not None and not draft.problems
        assert draft.fields["title"] == "曲阜市某某路改造工程招标公告"
        assert draft.fields["project_no"] == "E3708810001"
        assert draft.fields["tenderee"] == "曲阜市某某局"
        assert draft.fields["bid_deadline"] == "2017-12-28T09:00:00+08:00"
        assert "script" not in draft.notice.body_html
        assert draft.places["project_no"] == "字段“项目编号”"


def test_several_records_are_several_notices() -> None:
    drafts = read_files([NamedBytes("公告.xml", exchange(RECORD + RECORD.replace("0001<", "0002<")))])

    assert [draft.fields["project_no"] for draft in drafts] == ["E3708810001", "E3708810002"]


@pytest.mark.parametrize(
    "data",
    [
        b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "b">]><Data><NOTICE_CONTENT>&a;</NOTICE_CONTENT></Data>',
        exchange("<GCJS_TENDER_PROJECT><PROJECT_CODE>1</PROJECT_CODE></GCJS_TENDER_PROJECT>"),
        exchange(RECORD)[:300],
    ],
)
def test_xml_with_definitions_without_a_text_or_cut_off_goes_back(data: bytes) -> None:
    assert refused(data) == [Reason.NOT_BY_SCHEMA]
