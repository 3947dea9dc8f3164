import re

from fastapi.testclient import TestClient

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


def test_the_root_is_a_page_for_browsers_and_json_for_programs(client: TestClient) -> None:
    assert client.get("/").json()["docs"] == "/docs"
    page = client.get("/", headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]


def test_everything_that_the_pages_load_comes_from_here(client: TestClient) -> None:
    for path in ("/", "/docs"):
        html = client.get(path, headers=BROWSER).text
        loaded = re.findall(r'(?:src|href)="([^"#]+)"', html)
        assert len(loaded) >= 3
        for url in loaded:
            assert url.startswith("/"), f"{path} loads {url}"
            assert client.get(url).status_code == 200, url


def test_the_documentation_has_every_route_with_examples(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    assert "multipart/form-data" in str(schema["paths"]["/api/v1/task/{task_id}/files/upload"])
    for name in ("TaskCreate", "StepRequest", "RunRequest", "Problem"):
        assert schema["components"]["schemas"][name]["examples"], name
    for path in (
        "/api/v1/task/create",
        "/api/v1/task/{task_id}",
        "/api/v1/tasks",
        "/api/v1/task/{task_id}/step/{step}",
        "/api/v1/task/{task_id}/cancel",
        "/api/v1/task/{task_id}/files/upload",
        "/api/v1/task/{task_id}/files/download/{filename}",
        "/api/v1/task/{task_id}/logs",
        "/api/v1/task/{task_id}/run",
        "/api/v1/capabilities",
        "/health/ready",
    ):
        assert path in schema["paths"]


def test_every_reference_in_the_schema_has_a_target(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    for reference in re.findall(r"#/components/schemas/(\w+)", client.get("/openapi.json").text):
        assert reference in schema["components"]["schemas"]


def test_capabilities_say_what_is_present_and_what_is_missing(client: TestClient) -> None:
    body = client.get("/api/v1/capabilities").json()
    assert body["voices"] == {"zero_shot": []}, "the large bases are not in the tests' folder"
    by_name = {row["name"]: row for row in body["base_models"]}
    assert by_name["nano"]["present"]
    assert not by_name["v2ProPlus"]["present"]
    assert by_name["v2ProPlus"]["missing"]
    assert body["auto_base_model"] == "mini"
    back_ends = {row["name"]: row for row in body["back_ends"]}
    assert {"step", "name", "present", "missing"} <= back_ends["whisper"].keys()
    # A package alone recognises nothing: what the models folder lacks counts.
    assert not back_ends["funasr"]["present"]
    assert "asr/SenseVoiceSmall/model.pt" in back_ends["funasr"]["missing"]
