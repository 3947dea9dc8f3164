from tests.serve_app.conftest import MakeClient

KEY = "0123456789abcdef0123"


def test_with_a_key_every_api_route_wants_it(make_client: MakeClient) -> None:
    client = make_client(api_key=KEY)
    assert client.get("/api/v1/tasks").status_code == 401
    assert client.post("/api/v1/task/create", json={"task_name": "x"}).status_code == 401
    for wrong in ("Bearer nope", f"Basic {KEY}", KEY, f"Bearer {KEY}x"):
        answer = client.get("/api/v1/tasks", headers={"Authorization": wrong})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    right = client.get("/api/v1/tasks", headers={"Authorization": f"Bearer {KEY}"})
    assert right.status_code == 200


def test_health_and_pages_need_no_key(make_client: MakeClient) -> None:
    client = make_client(api_key=KEY)
    for path in ("/health/live", "/health/ready", "/", "/docs", "/openapi.json"):
        assert client.get(path).status_code == 200, path


def test_with_a_key_the_service_answers_under_any_name(make_client: MakeClient) -> None:
    client = make_client(api_key=KEY)
    headers = {"Authorization": f"Bearer {KEY}", "Host": "voices.example"}
    assert client.get("/api/v1/tasks", headers=headers).status_code == 200


def test_without_a_key_foreign_pages_cannot_change_anything(make_client: MakeClient) -> None:
    client = make_client()
    foreign = {"Origin": "https://evil.example"}
    for headers in (foreign, {"Host": "evil.example"}, {"Origin": "null"}):
        answer = client.post("/api/v1/task/create", json={"task_name": "x"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_request")
    own = {"Origin": "http://127.0.0.1:8000"}
    answer = client.post("/api/v1/task/create", json={"task_name": "x"}, headers=own)
    assert answer.status_code == 200
    assert client.get("/api/v1/tasks", headers={"Host": "localhost:8000"}).status_code == 200
