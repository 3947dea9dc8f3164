"""What keeps the tests from growing slower, one after the other."""

import gc
import weakref

from tests.serve_app.conftest import MakeClient, forget_apps


def test_an_app_that_nobody_needs_any_more_is_gone(make_client: MakeClient) -> None:
    client = make_client()
    assert client.get("/health/live").status_code == 200
    app = weakref.ref(client.app)
    del client
    forget_apps()
    gc.collect()
    assert app() is None
