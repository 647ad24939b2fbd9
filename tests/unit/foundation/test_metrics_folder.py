import os

import pytest

from apps.foundation import metrics_folder


@pytest.fixture
def memory_disk(tmp_path, monkeypatch):
    folder = tmp_path / "shm"
    folder.mkdir()
    monkeypatch.setattr(metrics_folder, "MEMORY_DISK", folder)
    return folder


def test_each_house_has_a_folder_of_its_own_in_memory_that_is_emptied_and_removed(memory_disk, tmp_path):
    ours, theirs = metrics_folder.prepare_folder(tmp_path / "a"), metrics_folder.prepare_folder(tmp_path / "b")
    assert ours.parent == theirs.parent == memory_disk
    assert ours.stat().st_mode & 0o777 == 0o700
    (ours / "counter_1.db").write_bytes(b"x")
    (theirs / "counter_1.db").write_bytes(b"x")
    assert metrics_folder.prepare_folder(tmp_path / "a") == ours
    assert list(ours.iterdir()) == []
    metrics_folder.remove_folder(tmp_path / "a")
    assert list(memory_disk.iterdir()) == [theirs]


def test_without_a_memory_disk_it_lies_in_the_home(tmp_path, monkeypatch):
    monkeypatch.setattr(metrics_folder, "MEMORY_DISK", tmp_path / "none")
    assert metrics_folder.prepare_folder(tmp_path) == tmp_path / "metrics"


def test_a_folder_of_somebody_elses_is_not_taken(memory_disk, tmp_path, monkeypatch):
    another = os.getuid() + 1
    (memory_disk / metrics_folder.prepare_folder(tmp_path).name.replace(f"-{another - 1}-", f"-{another}-")).mkdir()
    monkeypatch.setattr(metrics_folder.os, "getuid", lambda: another)
    assert metrics_folder.prepare_folder(tmp_path) == tmp_path / "metrics"
