"""The page's files, without a browser: what they import, what they say, where they come from."""

import hashlib
import json
import re

from fastapi.testclient import TestClient

from serve_app.routes.pages import WEB
from tests.docs.pages import text_of
from tools import vendor_web

OURS = [path for path in sorted(WEB.rglob("*.js")) if "vendor" not in path.parts]
MOST_BYTES = 200_000


def words(code: str) -> dict[str, str]:
    text = (WEB / "words" / f"{code}.js").read_text("utf-8")
    quoted = re.findall(r'(?:^|[ ,{])(?:"([\w.]+)"|(\w+)): "((?:[^"\\]|\\.)*)"', text, re.M)
    return {dotted or plain: sentence for dotted, plain, sentence in quoted}


def test_modules_import_only_what_is_there() -> None:
    for script in OURS:
        found = re.findall(r'(?:from |import\()"(\.[^"]+)"', script.read_text("utf-8"))
        for name in found:
            assert (script.parent / name).resolve().is_file(), f"{script.name} imports {name}"


def test_all_that_the_page_begins_with_is_fetched_at_once() -> None:
    lazy = {"main.js", "microphone.js", "wavesurfer.js", "wavesurfer-spectrogram.js"}
    page = (WEB / "index.html").read_text("utf-8")
    preloaded = re.findall(r'rel="modulepreload" href="/web/([^"]+)"', page)
    there = [path.relative_to(WEB).as_posix() for path in sorted(WEB.rglob("*.js"))]
    assert preloaded == [name for name in there if name.split("/")[-1] not in lazy]


def test_files_can_be_read_in_one_sitting() -> None:
    for script in OURS:
        assert len(script.read_text("utf-8").splitlines()) <= 250, script.name


def test_the_page_speaks_both_languages_completely() -> None:
    english, chinese = words("en"), words("zh")
    # What the service says in English needs a sentence of the page's in Chinese only.
    own = {key for key in chinese if not re.match(r"error\.|option\.\w+\.words", key)}
    assert own | {"error.unreachable"} == set(english)
    for key in own:
        assert set(re.findall(r"{(\w+)}", chinese[key])) == set(
            re.findall(r"{(\w+)}", english[key])
        ), key


def test_every_sentence_that_a_script_asks_for_is_there() -> None:
    english = words("en")
    for script in OURS:
        text = script.read_text("utf-8")
        for key in re.findall(r'\bt\("([\w.]+)"', text):
            assert key in english, f"{script.name}: {key}"
        for start in re.findall(r"\bt\(`([\w.]+)\$\{", text):
            assert any(key.startswith(start) for key in english), f"{script.name}: {start}"


def test_every_code_of_a_refusal_has_a_chinese_sentence() -> None:
    from serve_app.errors import STATUS_OF_CODE

    chinese = words("zh")
    lacking = {f"error.{code}" for code in STATUS_OF_CODE} - set(chinese)
    assert lacking == set(), "add them to serve_app/web/words/zh.js"


def test_every_step_option_and_language_has_its_word() -> None:
    from ray_pipeline.core.step_names import StepName
    from serve_app.option_fields import option_fields

    english, chinese = words("en"), words("zh")
    assert {f"step.{step}" for step in StepName} <= set(english)
    shown = {
        field.name
        for step, fields in option_fields().steps.items()
        if step not in (StepName.TEST_INFERENCE,)
        for field in fields
        if field.name not in ("enabled", "force")
    }
    shown |= {field.name for field in option_fields().task} - {"language", "base_model"}
    for name in shown:
        assert f"option.{name}" in english, f"{name}: add it to serve_app/web/words/en.js, zh.js"
        assert f"option.{name}.words" in chinese, f"{name}: add it to serve_app/web/words/zh.js"


def test_libraries_are_the_packages_that_the_script_names() -> None:
    rows = json.loads(vendor_web.LOCK_FILE.read_text("utf-8"))
    named = [(package.name, package.version) for package in vendor_web.PACKAGES]
    assert [(row["name"], row["version"]) for row in rows] == named
    listed = {name for row in rows for name in row["files"]}
    there = {path.name for path in vendor_web.VENDOR.glob("*") if path.suffix in (".js", ".css")}
    assert there == listed
    for row in rows:
        assert (vendor_web.VENDOR / f"{row['name']}.LICENSE.txt").is_file()
        assert f"{row['name']} {row['version']}" in text_of("NOTICE")
        for name, digest in row["files"].items():
            content = (vendor_web.VENDOR / name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == digest, name


def test_the_whole_page_is_small_when_it_is_sent(client: TestClient) -> None:
    files = [path for path in WEB.rglob("*") if path.suffix in (".js", ".css", ".json", ".svg")]
    sizes = {}
    for path in files:
        url = f"/web/{path.relative_to(WEB)}"
        with client.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.status_code == 200
            sizes[url] = sum(len(part) for part in answer.iter_raw())
    assert sum(sizes.values()) < MOST_BYTES, sizes


def test_a_style_that_a_library_writes_carries_the_word_of_this_answer(client: TestClient) -> None:
    pages = [client.get("/", headers={"Accept": "text/html"}) for _ in range(2)]
    nonces = [re.search(r'nonce="([^"]+)"', page.text) for page in pages]
    assert nonces[0]
    assert nonces[1]
    assert nonces[0][1] != nonces[1][1]
    assert f"'nonce-{nonces[0][1]}'" in pages[0].headers["content-security-policy"]
    assert "unsafe" not in pages[0].headers["content-security-policy"]
