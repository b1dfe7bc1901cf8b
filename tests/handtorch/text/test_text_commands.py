import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

import onnx
import pytest
from typer.testing import CliRunner

from handtorch.text.commands import app
from handtorch.text.model import TextModel

from .tiny import PATIENCE, byte_pairs, random_lstm, random_transformer, serving

MODEL = "run/model.safetensors"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HANDTORCH_JUDGE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("run", "empty"):
        (tmp_path / name).mkdir()
    random_transformer(byte_pairs(), max_length=64, activation="gelu_tanh").save(MODEL)
    (tmp_path / "a.txt").write_text("the cat and the hat\n")
    (tmp_path / "bad.json").write_text('{"texts": ["x"]}')
    (tmp_path / "none.json").write_text('{"prompt": "x", "texts": [""]}')
    (tmp_path / "blank.txt").write_text("\n\n")
    (tmp_path / "b.txt").write_text("and the bat\n\nthe cat\n")
    return tmp_path


def run(*arguments, **options):
    return CliRunner().invoke(app, list(map(str, arguments)), **options)


def succeeds(*arguments, **options):
    result = run(*arguments, **options)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_generate_prints_the_prompt_and_what_follows():
    written = TextModel.open(MODEL).generate("the ", max_tokens=8, temperature=0.8, seed=2)
    arguments = "generate", MODEL, "the ", "--max-tokens", 8, "--seed", 2
    assert succeeds(*arguments) == f"the {written}\n"
    assert json.loads(succeeds(*arguments, "--json")) == {"prompt": "the ", "texts": [written]}


def test_generate_reads_standard_input_and_writes_several_texts():
    out = succeeds("generate", MODEL, "-", "--max-tokens", 3, "--seed", 5, "--count", 2, input="the ")
    model = TextModel.open(MODEL)
    first, second = (model.generate("the ", max_tokens=3, temperature=0.8, seed=seed) for seed in (5, 6))
    assert out == f"the {first}\n---\nthe {second}\n"


def test_perplexity_of_files_and_of_all(folder):
    found = json.loads(succeeds("perplexity", MODEL, "a.txt", "b.txt", "--json"))
    model = TextModel.open(MODEL)
    known = [model.perplexity((folder / name).read_text()) for name in ("a.txt", "b.txt")]
    assert [text["nll"] for text in found["texts"]] == pytest.approx([one.nll for one in known])
    assert found["all"]["perplexity"]["character"] == pytest.approx((known[0] + known[1]).character)
    table = succeeds("perplexity", MODEL, "a.txt", "b.txt")
    assert [line.split()[0] for line in table.splitlines()] == ["text", "a.txt", "b.txt", "all"]


def test_judge_asks_a_server_for_files_or_lines():
    model = TextModel.open(MODEL)
    with serving(model) as url:
        files = json.loads(succeeds("judge", "a.txt", "b.txt", "--url", url, "--json"))
        lines = json.loads(succeeds("judge", "b.txt", "--lines", "--url", url, "--model", "tiny", "--json"))
    assert [text["name"] for text in files["texts"]] == ["a.txt", "b.txt"]
    assert [text["name"] for text in lines["texts"]] == ["b.txt:1", "b.txt:3"]
    scored = model.score("and the bat")[1:]
    assert lines["texts"][0]["nll"] == pytest.approx(-sum(token.log_prob for token in scored))


def test_judge_does_not_count_the_prompt_of_what_generate_wrote(folder):
    out = succeeds("generate", MODEL, "the cat", "--max-tokens", 6, "--count", 2, "--seed", 1, "--json")
    (folder / "samples.json").write_text(out)
    texts = json.loads(out)["texts"]
    with serving(TextModel.open(MODEL)) as url:
        found = json.loads(succeeds("judge", "samples.json", "--url", url, "--json"))
    assert [text["name"] for text in found["texts"]] == ["samples.json:1", "samples.json:2"]
    assert [text["characters"] for text in found["texts"]] == list(map(len, texts))


@pytest.mark.parametrize("name", ["copy.safetensors", "gpt2"])
def test_an_exported_model_says_the_same(name):
    assert "written" in run("export", MODEL, name).stderr
    assert TextModel.open(name).score("the cat") == TextModel.open(MODEL).score("the cat")
    assert succeeds("info", name) == succeeds("info", MODEL)


def test_a_run_is_named_by_its_folder_too():
    assert succeeds("info", "run") == succeeds("info", MODEL)


def test_an_onnx_file_is_valid():
    succeeds("export", MODEL, "model.onnx")
    onnx.checker.check_model("model.onnx", full_check=True)


def test_info_says_what_a_model_is_made_of():
    facts = json.loads(succeeds("info", MODEL, "--json"))
    assert facts["network"] == "TransformerLanguageModel"
    assert facts["longest text"] == 64
    network = TextModel.open(MODEL).network
    assert facts["weights"] == sum(parameter.numel() for parameter in network.parameters())
    random_lstm().save("lstm.safetensors")
    assert re.search("longest text +any", succeeds("info", "lstm.safetensors"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["generate", "nothing.safetensors"], "expected a trained model at nothing.safetensors, found no file"),
        (["generate", "empty"], "expected a GPT-2 checkpoint, but there is no empty/config.json"),
        (["generate", "a.txt"], "a.txt is no trained network"),
        (["generate", MODEL, "the", "--max-tokens", "100"], "at most 64 tokens together"),
        (["perplexity", MODEL, "none.txt"], "there is no file none.txt"),
        (["export", MODEL, "x.pt"], "expected a file that ends in .onnx or .safetensors, or a folder, got x.pt"),
        (["judge", "a.txt"], "expected a key for https://api.openai.com/v1"),
        (["judge", "bad.json", "--url", "http://localhost:9/v1"], "expected what `generate --json` prints in bad.json"),
        (["judge", "none.json", "--url", "http://localhost:9/v1"], "expected a text in none.json, which has none"),
        (["judge", "blank.txt", "--lines", "--url", "http://localhost:9/v1"], "expected a text in blank.txt"),
        (["serve", "nothing.safetensors"], "found no file"),
        (["serve", MODEL, "--host", "203.0.113.1"], "cannot listen on 203.0.113.1:8000"),
    ],
)
def test_mistakes_are_one_sentence(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_without_a_web_server_the_extra_that_brings_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "pip install 'handtorch[text]'" in run("serve", MODEL).stderr


def test_gpt2s_layout_is_for_transformers_with_bytes():
    random_lstm().save("lstm.safetensors")
    assert (
        "expected a Transformer with byte pairs, got LSTMLanguageModel with"
        in run("export", "lstm.safetensors", "x").stderr
    )


def test_the_server_answers_until_ctrl_c(folder):
    command = [sys.executable, "-m", "handtorch.text", "serve", MODEL, "--port", "0"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        try:
            told = server.stderr.readline()
            name, url = re.fullmatch(r"(\w+) answers at (\S+); Ctrl-C ends it\n", told).groups()
            with urllib.request.urlopen(f"{url}/models", timeout=PATIENCE) as answer:
                assert [model["id"] for model in json.load(answer)["data"]] == [name] == ["run"]
            server.send_signal(signal.SIGINT)
            assert server.wait(PATIENCE) == 130
            assert server.stderr.read() == "interrupted\n"
        finally:
            server.kill()
