"""What a user has set for Keras elsewhere changes no run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PRINT_SETTINGS = """
import json, os
from debias.backend import keras
layer = keras.layers.Conv2D(1, 1)
print(json.dumps({
    "backend": keras.config.backend(),
    "layout": [keras.config.image_data_format(), layer.data_format],
    "floats": [keras.config.floatx(), keras.config.dtype_policy().name, layer.dtype],
    "epsilon": keras.config.epsilon(),
    "ends early": [keras.config.max_epochs(), keras.config.max_steps_per_epoch()],
    "GPU memory": os.environ["TF_FORCE_GPU_ALLOW_GROWTH"],
}))
"""
IMPORT_AFTER_TORCH = """
import sys, types
sys.modules["keras"] = types.SimpleNamespace(config=types.SimpleNamespace(backend=lambda: "torch"))
import debias.backend
"""


@pytest.mark.slow
def test_users_settings_of_keras_are_overruled(tmp_path):
    settings = {"backend": "torch", "image_data_format": "channels_first", "floatx": "float64", "epsilon": 0.001}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    shell = {"KERAS_BACKEND": "jax", "KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "1"}
    done = _run(PRINT_SETTINGS, KERAS_HOME=str(tmp_path), **shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "backend": "tensorflow",
        "layout": ["channels_last"] * 2,
        "floats": ["float32"] * 3,
        "epsilon": 1e-7,
        "ends early": [None, None],
        "GPU memory": "true",
    }


def test_keras_with_another_backend_before_us_is_one_clear_error():
    done = _run(IMPORT_AFTER_TORCH)
    words = "Keras was imported with the backend torch before debias: set KERAS_BACKEND=tensorflow"
    assert done.stderr.splitlines()[-1] == f"debias.errors.InputError: {words}"


def _run(program: str, **settings: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", program]
    environment = os.environ | settings
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
