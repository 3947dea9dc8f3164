from pathlib import Path

from ray_pipeline.training.run_folders import choose_run_folder, mark_finished


def test_an_interrupted_run_is_gone_on_with(tmp_path: Path) -> None:
    first = choose_run_folder(tmp_path, "key", force=False)
    again = choose_run_folder(tmp_path, "key", force=False)
    assert again.name == first.name
    assert (first.is_resumed, again.is_resumed) == (False, True)


def test_other_data_start_a_new_run_and_remove_the_old_one(tmp_path: Path) -> None:
    old = choose_run_folder(tmp_path, "old", force=False)
    (tmp_path / old.name / "epoch_00001").mkdir(parents=True)
    new = choose_run_folder(tmp_path, "new", force=False)
    assert new.name != old.name
    assert not (tmp_path / old.name).exists()


def test_force_starts_anew_once(tmp_path: Path) -> None:
    first = choose_run_folder(tmp_path, "key", force=False)
    forced = choose_run_folder(tmp_path, "key", force=True)
    assert forced.name != first.name
    assert choose_run_folder(tmp_path, "key", force=True).name == forced.name
    mark_finished(tmp_path, forced)
    assert choose_run_folder(tmp_path, "key", force=True).name != forced.name


def test_a_finished_run_whose_files_went_is_done_again(tmp_path: Path) -> None:
    first = choose_run_folder(tmp_path, "key", force=False)
    mark_finished(tmp_path, first)
    assert choose_run_folder(tmp_path, "key", force=False).name != first.name
