from ray_pipeline.core.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Workspace, atomic_write

STEP = StepName.CONVERT_AUDIO


def manifest_with_one_clip(workspace):
    atomic_write(workspace.converted_wav / "a.wav", b"x")
    manifest = Manifest(STEP, options={"min_seconds": 0.6}, versions={"ffmpeg": "7"})
    manifest.add(ClipEntry("a", "key-1", outputs=["converted_wav/a.wav"], details={"seconds": 2}))
    manifest.save(workspace)
    return manifest


def test_a_manifest_survives_its_file(tmp_path):
    workspace = Workspace(tmp_path)
    assert Manifest.load(workspace, STEP) == Manifest(STEP)
    saved = manifest_with_one_clip(workspace)
    assert Manifest.load(workspace, STEP) == saved


def test_the_same_key_and_files_mean_no_work(tmp_path):
    workspace = Workspace(tmp_path)
    manifest = manifest_with_one_clip(workspace)
    assert manifest.reusable("a", "key-1", workspace) is not None
    assert manifest.reusable("a", "key-2", workspace) is None
    assert manifest.reusable("b", "key-1", workspace) is None
    (tmp_path / "converted_wav/a.wav").unlink()
    assert manifest.reusable("a", "key-1", workspace) is None


def test_a_damaged_manifest_counts_as_none(tmp_path):
    workspace = Workspace(tmp_path)
    manifest_with_one_clip(workspace)
    workspace.manifest_path(STEP).write_text('{"format": 1, "clips": [')
    assert Manifest.load(workspace, STEP) == Manifest(STEP)


def test_the_digest_follows_results_not_their_order():
    one, two = Manifest(STEP), Manifest(STEP)
    for manifest, names in ((one, "ab"), (two, "ba")):
        for name in names:
            manifest.add(ClipEntry(name, "key"))
    assert one.digest() == two.digest()
    two.add(ClipEntry("b", "other"))
    assert one.digest() != two.digest()


def test_fingerprints_depend_on_values_only():
    assert fingerprint(a=1, b="x") == fingerprint(b="x", a=1)
    assert fingerprint(a=1) != fingerprint(a=2)
