"""The camera: perspective and crop, then what a real one does: exposure, tone curve, blur, noise and JPEG."""

import dataclasses
from dataclasses import dataclass

import cv2
import numba
import numpy as np

from debias.data.parliament.colour import encode_srgb
from debias.data.parliament.people import Pose

SUPERSAMPLING = 1.5
EYES_SHARE = 0.70  # the crop's centre lies this far from the mouth to the eyes
FACE_DEPTH = 0.45  # decimetres behind the eyes' plane: what the head turns about
SHOULDER = 0.55  # linear value from which the tone curve compresses highlights
UNDEREXPOSED = 0.10  # share of the photographs
METERED_GREY = 0.18  # mean linear value at which automatic exposure changes nothing
METERING = 0.35  # 0 = fixed exposure, 1 = every picture equally bright
TOE = 0.06  # encoded value below which blacks are crushed softly


@dataclass(frozen=True)
class Camera:
    """Framing and quality of one photograph."""

    zoom: float  # distance between the eyes as a share of the image's width
    shift: tuple[float, float]  # right and down, shares of the image's width
    distance: float  # decimetres from the face
    exposure: float  # factor on linear light, beside the automatic exposure
    contrast: float  # slope of the tone curve about middle grey
    blur: float  # standard deviation in output pixels
    noise: float  # standard deviation in encoded units
    quality: int  # JPEG quality, 100 = not compressed


@dataclass(frozen=True)
class View:
    """Model space to camera space, and camera space to pixels."""

    rotation: np.ndarray  # (3, 3) float32
    centre: np.ndarray  # (3,) float32, the point of the model at the camera space's origin
    scale: float  # pixels per decimetre at the origin
    offset: tuple[float, float]  # pixel that shows the origin
    distance: float

    def place(self, vertices: np.ndarray) -> np.ndarray:
        """Camera-space positions (n, 3) float32 of model vertices (n, 3)."""
        return (vertices - self.centre) @ self.rotation.T

    def project(self, positions: np.ndarray) -> np.ndarray:
        """Screen points (n, 3) float32 (x right, y down, depth) of camera-space positions (n, 3)."""
        depth = self.distance - positions[:, 2]
        shrink = self.scale * self.distance / np.maximum(depth, 0.5)
        x, y = positions[:, 0] * shrink + self.offset[0], self.offset[1] - positions[:, 1] * shrink
        return np.stack([x, y, depth], 1).astype(np.float32)


def canvas_size(size: int) -> int:
    """Side in pixels of the supersampled image that `develop` reduces to `size`."""
    return round(SUPERSAMPLING * size)


def sample_camera(rng: np.random.Generator) -> Camera:
    """A tight crop of the face with some jitter, seldom perfectly exposed or sharp."""
    shift = rng.normal(0, 0.025, 2)
    compressed = rng.random() < 0.7
    underexposed = rng.uniform(0.5, 0.8) if rng.random() < UNDEREXPOSED else 1.0
    return Camera(
        zoom=float(np.clip(rng.normal(0.365, 0.03), 0.29, 0.45)),
        shift=(float(shift[0]), float(shift[1])),
        distance=float(rng.uniform(7, 16)),
        exposure=float(underexposed * np.exp(rng.normal(0, 0.2))),
        contrast=float(np.clip(rng.normal(1.22, 0.1), 0.95, 1.5)),
        blur=float(abs(rng.normal(0, 0.33))),
        noise=float(0.002 + abs(rng.normal(0, 0.006))),
        quality=int(rng.uniform(45, 96)) if compressed else 100,
    )


def sample_other_camera(rng: np.random.Generator) -> Camera:
    """A worse camera in other hands: darker, flatter, softer and noisier pictures, tighter or wider, coarser JPEG."""
    usual = sample_camera(rng)
    shift = rng.normal(0, 0.035, 2)
    return dataclasses.replace(
        usual,
        zoom=float(0.365 * np.exp(rng.uniform(-0.25, 0.25))),
        shift=(float(shift[0]), float(shift[1])),
        exposure=float(usual.exposure * np.exp(rng.uniform(-0.9, 0.2))),
        contrast=float(rng.uniform(0.75, 1.25)),
        blur=float(abs(rng.normal(0, 0.6))),
        noise=float(0.003 + abs(rng.normal(0, 0.008))),
        quality=int(rng.uniform(30, 80)),
    )


CAMERAS = {"usual": sample_camera, "other": sample_other_camera}


def rotation_of(pose: Pose) -> np.ndarray:
    """(3, 3) float32: yaw, then pitch, then roll."""
    return (_turn(pose.roll, 0, 1) @ _turn(pose.pitch, 1, 2) @ _turn(pose.yaw, 2, 0)).astype(np.float32)


def develop(linear: np.ndarray, camera: Camera, rng: np.random.Generator, size: int) -> np.ndarray:
    """The (size, size, 3) uint8 photograph of a supersampled linear image (n, n, 3) float32."""
    deviation = camera.blur * linear.shape[0] / size
    if deviation > 0.3:
        linear = cv2.GaussianBlur(linear, (0, 0), deviation)
    linear = cv2.resize(linear, (size, size), interpolation=cv2.INTER_AREA)
    noise = rng.standard_normal(linear.shape, np.float32)
    gain = camera.exposure * (METERED_GREY / max(float(linear.mean()), 1e-3)) ** METERING
    image = _expose(linear, noise, gain, camera.contrast, camera.noise)
    return image if camera.quality == 100 else _compress(image, camera.quality)


def _turn(angle: float, first: int, second: int) -> np.ndarray:
    """Rotation by `angle` that carries the first axis towards the second."""
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[second, first], matrix[first, second] = np.sin(angle), -np.sin(angle)
    return matrix


@numba.njit(cache=True, fastmath=True)
def _expose(linear, noise, exposure, contrast, deviation):
    image = np.empty(linear.shape, np.uint8)
    for row in range(linear.shape[0]):
        for column in range(linear.shape[1]):
            for channel in range(3):
                light = linear[row, column, channel] * exposure
                value = _tone_curve(light, contrast) + deviation * noise[row, column, channel]
                image[row, column, channel] = int(min(max(value, 0.0), 1.0) * 255.0 + 0.5)
    return image


@numba.njit(cache=True, fastmath=True)
def _tone_curve(light, contrast):
    """Encoded value of linear light: soft shoulder, sRGB, more contrast about middle grey, soft toe."""
    light = light / (1.0 + 0.75 * max(light - SHOULDER, 0.0))
    value = 0.45 + (encode_srgb(light) - 0.45) * contrast
    return value if value > TOE else TOE * np.exp(value / TOE - 1.0)


def _compress(image: np.ndarray, quality: int) -> np.ndarray:
    """The image after a JPEG round trip."""
    encoded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1])
