"""zxing-cpp reads labels, which an encoder that shares no line with it has drawn.

One JSON value comes in on standard input, one goes out on standard output:

    labels.py [{"format", "data"}…]   -> [{"text", "kind", "level"}…]

`data` is the file in base64. Of an SVG the path is drawn by Pillow, step by step.
"""

import base64
import io
import json
import re
import sys
import xml.etree.ElementTree as ET

import zxingcpp
from PIL import Image, ImageDraw

SCALE = 6
STEP = re.compile(r"M(\d+) (\d+)h(\d+)v(\d+)h-(\d+)z")


def raster(svg: bytes) -> Image.Image:
    """The drawing as pixels: rectangles, which are all that its path may have."""
    root = ET.fromstring(svg)  # noqa: S314 - a drawing of the tests'
    _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
    image = Image.new("L", (int(width * SCALE), int(height * SCALE)), 255)
    draw = ImageDraw.Draw(image)
    path = next(root.iter("{http://www.w3.org/2000/svg}path")).attrib["d"]
    assert STEP.sub("", path) == ""
    for x, y, w, h, back in (map(int, step) for step in STEP.findall(path)):
        assert w == back
        corners = (x * SCALE, y * SCALE, (x + w) * SCALE - 1, (y + h) * SCALE - 1)
        draw.rectangle(corners, fill=0)
    return image


def main() -> None:
    """Reads the labels, says what each says."""
    read = []
    for one in json.load(sys.stdin):
        data = base64.b64decode(one["data"])
        image = raster(data) if one["format"] == "svg" else Image.open(io.BytesIO(data))
        (found,) = zxingcpp.read_barcodes(image)
        read.append(
            {"text": found.text, "kind": found.format.name, "level": found.ec_level.lower()}
        )
    json.dump(read, sys.stdout)


if __name__ == "__main__":
    main()
