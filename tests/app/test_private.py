"""The private folder: for one user's eyes, swept by age, gone at exit, and cleaned up after a killed run."""

import os
import stat
import time

from app.private import build_private_folder


def test_only_this_user_may_look_inside(tmp_path):
    folder = build_private_folder(tmp_path)
    assert stat.S_IMODE(folder.root.stat().st_mode) == 0o700
    assert folder.uploads.is_dir() and folder.views.is_dir()
    folder.remove()


def test_nothing_is_left_at_exit(tmp_path):
    folder = build_private_folder(tmp_path)
    (folder.uploads / "a").mkdir()
    (folder.uploads / "a" / "film").write_bytes(b"x")
    folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_old_uploads_are_swept_and_young_ones_stay(tmp_path):
    folder = build_private_folder(tmp_path)
    old, young = folder.uploads / "old", folder.uploads / "young"
    for each in (old, young):
        each.mkdir()
        (each / "film").write_bytes(b"x")
    past = time.time() - 7200
    for path in (old / "film", old):
        os.utime(path, (past, past))
    folder.sweep()
    assert not (old / "film").exists()
    assert (young / "film").exists()
    folder.sweep(max_age_s=-1)
    assert list(folder.uploads.iterdir()) == []
    folder.remove()


def test_folders_of_killed_runs_are_removed_at_the_next_start_and_living_ones_are_not(tmp_path):
    killed, living = build_private_folder(tmp_path), build_private_folder(tmp_path)
    killed.lock.close()
    third = build_private_folder(tmp_path)
    assert not killed.root.exists()
    assert living.root.is_dir()
    living.remove()
    third.remove()
