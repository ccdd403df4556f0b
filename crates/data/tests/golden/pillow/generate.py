"""Golden files of Pillow: pictures made grey and resized. Run with Pillow installed: python generate.py"""
import io, json, random
import PIL
from PIL import Image
random.seed(0)
def b(img): return list(img.tobytes())
cases = []
for mode, w, h in (("L", 33, 21), ("RGB", 17, 12), ("L", 5, 4)):
    c = len(mode)
    pixels = bytes(random.randrange(256) for _ in range(w * h * c))
    img = Image.frombytes(mode, (w, h), pixels)
    for ow, oh in ((8, 8), (28, 28), (11, 5)):
        for name, f in (("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)):
            cases.append({"size": [h, w, c], "pixels": list(pixels), "to": [oh, ow], "filter": name, "out": b(img.resize((ow, oh), f))})
pixels = bytes(random.randrange(256) for _ in range(64 * 3))
grey = {"pixels": list(pixels), "out": b(Image.frombytes("RGB", (8, 8), pixels).convert("L"))}
json.dump({"pillow": PIL.__version__, "resize": cases, "grey": grey}, open("pillow.json", "w"), separators=(",", ":"))
