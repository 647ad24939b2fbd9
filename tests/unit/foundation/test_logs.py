import json
import logging
import time

import pytest
import structlog

from apps.foundation import logs
from apps.foundation.correlation import bind, current_correlation_id


@pytest.fixture
def lines(tmp_path):
    """Configure logging into a file; calling the fixture's value reads the lines written so far."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    logs.configure_logging("tester", home=tmp_path)
    yield lambda: [json.loads(line) for line in (tmp_path / "logs" / "tester.jsonl").read_text().splitlines()]
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = before
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)


def test_structlog_and_standard_lines_have_one_shape(lines):
    structlog.get_logger("house").info("order_filled", order_id="7")
    logging.getLogger("vendor").warning("slow by %s ms", 12)
    ours, theirs = lines()
    assert (ours["event"], ours["order_id"], ours["logger"], ours["level"]) == ("order_filled", "7", "house", "info")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("slow by 12 ms", "vendor", "warning")
    assert ours["process"] == theirs["process"] == "tester"
    assert ours["at"].endswith("Z")


def test_the_correlation_id_is_on_every_line_until_it_is_taken_back(lines):
    with bind(correlation_id="c-1"):
        assert current_correlation_id() == "c-1"
        structlog.get_logger().info("one")
        logging.getLogger("vendor").error("two")
    structlog.get_logger().info("three")
    one, two, three = lines()
    assert one["correlation_id"] == two["correlation_id"] == "c-1"
    assert "correlation_id" not in three


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "s3cr3t-value"},
        {"api_key": "s3cr3t-value"},
        {"refresh_token": "s3cr3t-value"},
        {"headers": {"Authorization": "s3cr3t-value"}},
        {"accounts": [{"deep": {"clientSecret": "s3cr3t-value"}}]},
        {"url": "postgresql://hq:s3cr3t-value@127.0.0.1/hq"},
        {"detail": "GET /ws/v1/stream/?ticket=s3cr3t-value&x=1"},
        {"detail": "sent Authorization: Bearer s3cr3t-value-s3cr3t"},
        {"detail": str({"password": "s3cr3t-value"})},
        {"detail": json.dumps({"api_key": "s3cr3t-value"})},
        {"problem": ValueError("redis://:s3cr3t-value@host/0")},
    ],
)
def test_no_secret_reaches_the_file(lines, fields):
    structlog.get_logger().warning("something", **fields)
    (line,) = lines()
    assert "s3cr3t" not in json.dumps(line)
    assert logs.HIDDEN in json.dumps(line)


def test_a_secret_in_a_traceback_or_an_argument_is_hidden(lines):
    def connect():
        raise ConnectionError("postgresql://hq:s3cr3t-value@127.0.0.1/hq refused")

    try:
        connect()
    except ConnectionError:
        logging.getLogger("vendor").exception("could not reach %s", "redis://u:s3cr3t-value@h")
    (line,) = lines()
    assert "ConnectionError" in line["exception"]
    assert "s3cr3t" not in json.dumps(line)


def test_harmless_fields_are_left_alone(lines):
    structlog.get_logger().info("x", key="BTC/USDT", stop_price="1.5", tokens_left=3, access_count=2, path="/a?b=c@d")
    (line,) = lines()
    assert (line["key"], line["stop_price"], line["tokens_left"]) == ("BTC/USDT", "1.5", 3)
    assert (line["access_count"], line["path"]) == (2, "/a?b=c@d")


class Silent:
    def __str__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value", [Silent(), "\ud800", 2**80, {1: {2, 3}}, b"\xff\x00", float("nan"), [[[[[[[[[[[[1]]]]]]]]]]]]]
)
def test_writing_a_line_never_raises(lines, value):
    structlog.get_logger().info("odd", value=value)
    (line,) = lines()
    assert line["event"] == "odd"


@pytest.mark.parametrize("part", ["A", "token", "token=", "http://a:", "password ", "a.", '"secret":"', "Bearer "])
def test_a_long_text_from_outside_costs_no_time(part):
    text = part * (logs.LONGEST_TEXT // len(part))
    started = time.process_time()
    logs.hide_in_text(text)
    assert time.process_time() - started < 1.0
