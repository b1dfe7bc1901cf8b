"""Slack is told what counts; whatever is wrong with it, training goes on and the token stays secret."""

import http.server
import json
import math
import threading
import time
import urllib.parse
import warnings

import pytest

import handtorch
from handtorch import nn, optim, training

pytest.importorskip("slack_sdk")
pytest.importorskip("matplotlib")
TOKEN = "xoxb-very-secret-4711"


class FakeSlack(http.server.BaseHTTPRequestHandler):
    """The three calls of Slack's web API that a notice needs, and ways to break."""

    def do_POST(self):
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server.calls.append((self.path, self.headers.get("Authorization"), body))
        if server.broken == "slow":
            time.sleep(1.5)
        if server.broken == "hang up":
            self.connection.close()
            return
        if self.path.startswith("/upload"):
            self.answer(500 if server.broken == "upload" else 200, b"OK - 123", "text/plain")
        elif server.broken == "500":
            self.answer(500, b"<html>no</html>", "text/html")
        elif server.broken == "not json":
            self.answer(200, b"<html>no</html>", "text/html")
        elif server.broken == "refused":
            self.answer(200, json.dumps({"ok": False, "error": "invalid_auth", "echo": TOKEN}).encode())
        else:
            self.answer(200, json.dumps(self.reply()).encode())

    def reply(self):
        if self.path.endswith("files.getUploadURLExternal"):
            host, port = self.server.server_address
            return {"ok": True, "upload_url": f"http://{host}:{port}/upload/1", "file_id": "F1"}
        if self.path.endswith("files.completeUploadExternal"):
            return {"ok": True, "files": [{"id": "F1", "title": "curves"}]}
        return {"ok": True, "ts": "1.0", "channel": "C1"}

    def answer(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def slack(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "SLACK_BOT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeSlack)
    server.calls, server.broken = [], None
    server.url = f"http://127.0.0.1:{server.server_address[1]}/api/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def train(notices, folder, epochs=3, **options):
    handtorch.manual_seed(0)
    model = nn.Linear(2, 1)
    x = handtorch.randn(8, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    batches = [(x, x[:, :1])]
    return training.fit(
        model, nn.MSELoss(), optimizer, batches, batches, epochs=epochs, run=folder, callbacks=[notices],
        progress="off", **options,
    )  # fmt: skip


def test_the_end_of_a_run_is_told_with_its_best_metric_and_the_plot(slack, tmp_path):
    notices = training.Slack("C1", TOKEN, base_url=slack.url)
    history = train(notices, tmp_path / "my-run")
    path, authorization, body = slack.calls[0]
    form = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode()).items()}
    message = form.get("text") or json.loads(body)["text"]
    assert path == "/api/chat.postMessage"
    assert authorization == f"Bearer {TOKEN}"
    assert "*my-run*" in message and "finished after epoch 3" in message
    assert f"best valid_loss *{history['valid_loss'][-1]:.4g}* in epoch 3" in message
    assert [call[0] for call in slack.calls[1:]] == [
        "/api/files.getUploadURLExternal", "/upload/1", "/api/files.completeUploadExternal",
    ]  # fmt: skip
    assert b"\x89PNG\r\n\x1a\n" in slack.calls[2][2]


def test_the_token_may_come_from_the_environment_and_epochs_may_be_told(slack, tmp_path, monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    train(training.Slack("C1", base_url=slack.url, every_epochs=1, plot=False), tmp_path / "run")
    assert [path for path, _, _ in slack.calls] == ["/api/chat.postMessage"] * 3
    assert {authorization for _, authorization, _ in slack.calls} == {f"Bearer {TOKEN}"}


def test_a_run_that_fails_is_told_too(slack, tmp_path):
    with pytest.raises(training.DivergenceError):
        train(
            training.Slack("C1", TOKEN, base_url=slack.url), tmp_path / "run",
            step=lambda model, loss, batch: training.supervised_step(model, lambda o, t: loss(o, t) * math.nan, batch),
        )  # fmt: skip
    assert b"DivergenceError" in slack.calls[0][2]


def test_a_finished_run_that_is_resumed_tells_nothing(slack, tmp_path):
    train(training.Slack("C1", TOKEN, base_url=slack.url), tmp_path / "run")
    told = len(slack.calls)
    train(training.Slack("C1", TOKEN, base_url=slack.url), tmp_path / "run", resume=True)
    assert len(slack.calls) == told


@pytest.mark.parametrize(
    "broken", ["500", "not json", "refused", "hang up", "slow", "upload", "nobody there", "no token"]
)
def test_whatever_fails_is_one_warning_without_the_token_and_training_goes_on(slack, tmp_path, broken):
    slack.broken = broken
    url = "http://127.0.0.1:9/api/" if broken == "nobody there" else slack.url
    token = None if broken == "no token" else TOKEN
    notices = training.Slack("C1", token, base_url=url, every_epochs=1, timeout=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = train(notices, tmp_path / "run", epochs=2)
    assert len(history) == 2
    ours = [str(warning.message) for warning in caught if "Slack" in str(warning.message)]
    assert len(ours) == 1
    assert "training goes on" in ours[0]
    written = b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert TOKEN not in ours[0] and TOKEN.encode() not in written and TOKEN not in repr(notices)


def test_a_missing_package_is_a_warning_that_says_what_to_install(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "slack_sdk", None)
    with pytest.warns(UserWarning, match=r"handtorch\[log\]"):
        train(training.Slack("C1", TOKEN), tmp_path / "run")
