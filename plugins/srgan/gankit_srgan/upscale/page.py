"""The HTML of the page of comparison."""

PAIR = """<figure style="--ratio:$ratio;max-width:${width}px">
<div class="pair">
<img src="$before" alt="bicubic interpolation" draggable="false">
<img src="$after" alt="the model's result" class="after" draggable="false">
$boxes
<b class="left">bicubic</b><b class="right">model</b><u></u>
<input type="range" min="0" max="100" step="0.1" value="50" aria-label="bicubic to the left, the model to the right">
</div>
<figcaption>$caption</figcaption>
</figure>"""

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title: bicubic and model</title>
<style>
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1b1f; --pale: #666; }
@media (prefers-color-scheme: dark) { :root { --paper: #17181b; --ink: #ececf0; --pale: #a4a4ac; } }
body { font: 16px/1.5 system-ui, sans-serif; background: var(--paper); color: var(--ink); margin: 2rem auto;
  max-width: 1080px; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p, figcaption { color: var(--pale); margin: .25rem 0; }
figure { margin: 0; }
.details { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 1.5rem; }
.pair { position: relative; aspect-ratio: var(--ratio); --at: 50%; overflow: hidden;
  background: repeating-conic-gradient(#bbb 0 25%, #eee 0 50%) 0 0 / 16px 16px; }
.pair img { position: absolute; inset: 0; width: 100%; height: 100%; display: block; user-select: none; }
.details img { image-rendering: pixelated; }
/* Each side shows one picture alone: where they are transparent, the other would shine through. */
.pair img { clip-path: inset(0 calc(100% - var(--at)) 0 0); }
.pair img.after { clip-path: inset(0 0 0 var(--at)); }
.pair u { position: absolute; top: 0; bottom: 0; left: var(--at); width: 2px; margin-left: -1px; background: #fff;
  box-shadow: 0 0 3px #000; }
.pair u::after { content: "\\2194"; position: absolute; top: 50%; left: 1px; width: 32px; height: 32px;
  margin: -16px 0 0 -16px; border-radius: 50%; background: #fff; color: #222; font: 20px/30px system-ui, sans-serif;
  text-align: center; text-decoration: none; box-shadow: 0 0 3px #000; }
.pair b { position: absolute; bottom: 8px; padding: 1px 8px; border-radius: 4px; background: #000a; color: #fff;
  font-size: .8rem; font-weight: 500; }
.pair .left { left: 8px; } .pair .right { right: 8px; }
.pair i { position: absolute; box-sizing: border-box; border: 2px solid #ffd400; color: #ffd400; font: 600 12px/1
  system-ui, sans-serif; text-shadow: 0 0 3px #000, 0 0 3px #000; padding: 1px 2px; min-width: 14px; min-height: 14px; }
.pair input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize; }
.pair:focus-within { outline: 3px solid #3b82f6; outline-offset: 2px; }
</style>
<h1>$title</h1>
<p>$source, enlarged $factor times by the model <strong>$model</strong>, $sizes. Drag a picture: bicubic interpolation
lies on the left of the line, the model on the right.</p>
<h2>Whole picture</h2>
$overview
<h2>Details, where the two differ most (two screen pixels a pixel)</h2>
<div class="details">
$details
</div>
<script>
for (const pair of document.querySelectorAll(".pair")) {
  const range = pair.querySelector("input");
  range.addEventListener("input", () => pair.style.setProperty("--at", range.value + "%"));
}
</script>
</html>
"""
