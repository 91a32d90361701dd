"""An amount that is printed for one lot of several is that lot's, also where a lot has no place for it."""

from __future__ import annotations

from publisher.intake.reading import NamedBytes, read_files

PAGE = """<html><body><h1>某县医院运维服务和资产转让项目成交结果公告</h1><p>一、项目编号：N511500202400007</p>
<p>二、项目名称：某县医院运维服务和资产转让</p><p>三、采购结果</p><p>合同包1:</p>
<table><tr><td>供应商名称</td><td>供应商地址</td><td>成交金额</td></tr>
<tr><td>某某智慧科技有限公司</td><td>某市某大道</td><td>786,000.00元</td></tr></table><p>合同包2:</p>
<table><tr><td>转让底价（万元）</td><td>2156.8</td><td>成交价格（万元）</td><td>2380</td></tr>
<tr><td>交易方式</td><td>网络竞价</td><td>成交日期</td><td>2024年12月1日</td></tr></table>
<p>某产权交易有限公司 2024年12月2日</p></body></html>"""


def test_the_reserve_price_of_one_lot_is_not_that_of_the_notice() -> None:
    (draft,) = read_files([NamedBytes("成交结果公告.html", PAGE.encode())])

    assert draft.notice is not None
    assert [lot.no for lot in draft.notice.lots] == ["1", "2"]
    assert draft.notice.reserve_price is None
