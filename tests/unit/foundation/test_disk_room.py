import pytest

from apps.foundation import disk_room


@pytest.mark.parametrize(
    ("free", "short", "full"), [(600, False, False), (511, True, False), (33, True, False), (31, True, True)]
)
def test_what_is_left_is_judged_and_told(tmp_path, monkeypatch, free, short, full):
    usage = disk_room.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(
        disk_room.shutil, "disk_usage", lambda _: type(usage)(usage.total, usage.used, free * disk_room.MEBIBYTE)
    )
    room = disk_room.disk_room(tmp_path)
    assert (room.is_short, room.is_full) == (short, full)
    assert room.sentence.startswith(f"{free} MiB are free on the disk of {tmp_path}.")
    assert ("goes on by itself" in room.sentence) == full


def test_with_a_database_elsewhere_nothing_is_said_of_records(tmp_path):
    room = disk_room.DiskRoom(tmp_path, 31 * disk_room.MEBIBYTE, records=False)
    assert "logs are lost" in room.sentence
    assert "traded" not in room.sentence
