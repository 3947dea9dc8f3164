"""What the machine, and the limits of containers, leave of memory."""

from pathlib import Path

from ray_pipeline.training.machine_memory import free_machine_bytes

GB = 1_000_000_000


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_without_a_limit_it_is_what_the_machine_has_left(tmp_path: Path) -> None:
    assert free_machine_bytes(tmp_path, lambda: 5 * GB) == 5 * GB
    write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/user.slice\n",
            "sys/fs/cgroup/user.slice/memory.max": "max\n",
            "sys/fs/cgroup/user.slice/memory.current": "100\n",
            "sys/fs/cgroup/user.slice/memory.stat": "inactive_file 5\n",
        },
    )
    assert free_machine_bytes(tmp_path, lambda: 5 * GB) == 5 * GB
    assert free_machine_bytes() > 0


def test_the_narrowest_limit_counts_and_cached_files_give_way(tmp_path: Path) -> None:
    outer, inner = "sys/fs/cgroup/a", "sys/fs/cgroup/a/b"
    write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/a/b\n",
            f"{outer}/memory.max": f"{4 * GB}\n",
            f"{outer}/memory.current": f"{3 * GB}\n",
            f"{outer}/memory.stat": f"anon 7\ninactive_file {GB}\n",
            f"{inner}/memory.max": f"{8 * GB}\n",
            f"{inner}/memory.current": f"{GB}\n",
            f"{inner}/memory.stat": "inactive_file 0\n",
        },
    )
    assert free_machine_bytes(tmp_path, lambda: 60 * GB) == 2 * GB
    assert free_machine_bytes(tmp_path, lambda: GB) == GB


def test_limits_of_the_first_version_count_too_where_only_the_container_is_mounted(
    tmp_path: Path,
) -> None:
    top = "sys/fs/cgroup/memory"
    write(
        tmp_path,
        {
            "proc/self/cgroup": "11:cpu,cpuacct:/docker/1\n9:memory:/docker/1\n",
            f"{top}/memory.limit_in_bytes": f"{3 * GB}\n",
            f"{top}/memory.usage_in_bytes": f"{2 * GB}\n",
            f"{top}/memory.stat": f"total_inactive_file {GB // 2}\n",
        },
    )
    assert free_machine_bytes(tmp_path, lambda: 60 * GB) == 3 * GB // 2


def test_more_used_than_allowed_leaves_nothing(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": "100\n",
            "sys/fs/cgroup/memory.current": "120\n",
            "sys/fs/cgroup/memory.stat": "inactive_file 3\n",
        },
    )
    assert free_machine_bytes(tmp_path, lambda: GB) == 0
