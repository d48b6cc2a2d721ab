"""A drop in a bucket, on a real S3 server on this machine."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import boto3  # comes with moto
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

from models.vocabulary import ReceiptOutcome
from tests.connectors.shop import dataset, register, source
from tests.connectors.test_csv import ANSWER, ANSWERS, found, plan
from workflows.connectors.csv_source import CsvConnector
from workflows.connectors.drop_s3 import S3Drop
from workflows.errors import SourceDown, TryAgain, VastineError

KEPT = b"no;email;name;text\r\n2;two@x.example;Kaksi;Huono\r\n\r\n"
NAME = "answers_1.csv"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """An empty bucket, seen from its prefix."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="k", aws_secret_access_key="s", region_name="eu-north-1"
    )
    location: Any = {"LocationConstraint": "eu-north-1"}
    if "drop" not in [b["Name"] for b in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket="drop", CreateBucketConfiguration=location)
    for entry in client.list_objects_v2(Bucket="drop").get("Contents", []):
        client.delete_object(Bucket="drop", Key=entry["Key"])
    client.close()
    return S3Store(
        "drop",
        prefix="in",
        endpoint=endpoint,
        access_key_id="k",
        secret_access_key="s",
        region="eu-north-1",
        client_options={"allow_http": True},
    )


def place(endpoint: str, bucket: str = "drop") -> S3Drop:
    return S3Drop(bucket, "in", access_key="k", secret_key="s", endpoint=endpoint, timeout_seconds=10)


def connector(endpoint: str, bucket: str = "drop") -> CsvConnector:
    said = {
        "url": f"s3://{bucket}/in",
        "pattern": "answers_*.csv",
        "encoding": "iso-8859-1",
        "writable": True,
        "access_key": {"env": "KEY"},
        "secret_key": {"env": "SECRET"},
        "endpoint": endpoint,
    }
    spec = source("survey", dataset({"answer": ANSWER}, key="survey"), kind="csv", connection=said)
    return CsvConnector(spec, register=register(spec), environ={"KEY": "k", "SECRET": "s"})


def test_lines_in_a_bucket_are_found_and_erased_and_no_other_byte_changes(endpoint: str, bucket: S3Store) -> None:
    bucket.put(NAME, ANSWERS)
    ours = connector(endpoint)
    ours.health()
    items = plan(found(ours))
    assert [p.refused for p in ours.preview(items)] == ["", ""]
    assert bytes(bucket.get(NAME).bytes()) == ANSWERS
    assert ours.guarantee == "C"
    assert [d.outcome for d in ours.erase("op", 1, items)] == [ReceiptOutcome.ERASED] * 2
    assert bytes(bucket.get(NAME).bytes()) == KEPT
    assert ours.present(items) == {}
    assert {d.outcome for d in ours.call_off("op", 2, items)} <= {ReceiptOutcome.ABSENT, ReceiptOutcome.ERASED}


def test_the_last_lines_of_an_object_are_erased_and_whoever_comes_later_asks_why_it_is_empty(
    endpoint: str, bucket: S3Store
) -> None:
    bucket.put(NAME, ANSWERS.replace(b"2;two@x.example", b"2;one@x.example"))
    ours = connector(endpoint)
    items = plan(found(ours))
    assert [d.outcome for d in ours.erase("op", 1, items)] == [ReceiptOutcome.ERASED] * 3
    assert ours.present(items) == {}
    with pytest.raises(VastineError, match="empty_file"):
        found(connector(endpoint))


def test_a_large_object_is_read_part_by_part_and_whole(endpoint: str, bucket: S3Store) -> None:
    whole = bytes(range(256)) * (9 << 12)
    bucket.put("large", whole)
    ours = place(endpoint)
    (file,) = ours.files()
    with ours.open(file) as stream:
        read = b"".join(iter(lambda: stream.read(1 << 16), b""))
    assert read == whole


def test_an_object_put_anew_while_it_is_read_was_still_being_written(endpoint: str, bucket: S3Store) -> None:
    bucket.put("large", bytes(9 << 20))
    ours = place(endpoint)
    (file,) = ours.files()

    def read_on(stream: BinaryIO) -> None:
        stream.read(10)
        bucket.put("large", b"x" * (9 << 20))
        while stream.read(1 << 20):
            pass

    with pytest.raises(TryAgain) as caught, ours.open(file) as stream:
        read_on(stream)
    assert caught.value.code == "still_written"


def test_an_object_put_anew_meanwhile_is_never_overwritten(endpoint: str, bucket: S3Store) -> None:
    bucket.put(NAME, ANSWERS)
    ours = place(endpoint)
    (file,) = ours.files()

    def write(out: BinaryIO) -> None:
        out.write(KEPT)

    def another() -> None:
        bucket.put(NAME, b"new")

    with pytest.raises(TryAgain) as caught:
        ours.replace(file, write, before=another)
    assert caught.value.code == "changed_meanwhile"
    assert bytes(bucket.get(NAME).bytes()) == b"new"


def test_a_bucket_that_is_not_there_is_down_and_not_empty(endpoint: str, bucket: S3Store) -> None:
    with pytest.raises(SourceDown):
        found(connector(endpoint, bucket="another"))
    with pytest.raises(SourceDown) as caught:
        found(connector(endpoint))
    assert caught.value.code == "no_file"
