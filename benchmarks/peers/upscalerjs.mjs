// Runs UpscalerJS' models: one JSON line in, one out. Usage: node upscalerjs.mjs FOLDER PACKAGE SCALE THREADS
//
// FOLDER holds node_modules. In: {input, height, width, output}, files of raw RGB bytes. Out: first {backend, threads,
// versions...}, then {seconds} or {error} for each line. Timed is what the library itself does between the bytes of a
// picture and those of the enlarged one: a tensor, the model on the whole picture, clipping.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

const [folder, name, scale, threads] = process.argv.slice(2);
const require = createRequire(join(folder, "node_modules", "/"));

function say(message) {
  process.stdout.write(JSON.stringify(message) + "\n");
}

async function backend(tf) {
  try {
    require("@tensorflow/tfjs-node"); // TensorFlow itself, where its binary could be downloaded
    return { backend: "tfjs-node", threads: Number(threads) };
  } catch {
    const wasm = require("@tensorflow/tfjs-backend-wasm");
    wasm.setThreadsCount(Number(threads)); // browsers obey; under Node TensorFlow.js refuses more than one
    if (!(await tf.setBackend("wasm"))) throw new Error("the WebAssembly backend does not start");
    return { backend: "wasm", threads: wasm.getThreadsCount() };
  }
}

function artifacts(path) {
  const model = JSON.parse(readFileSync(path, "utf8"));
  const files = model.weightsManifest.flatMap((group) => group.paths);
  const bytes = Buffer.concat(files.map((file) => readFileSync(join(dirname(path), file))));
  return {
    modelTopology: model.modelTopology,
    weightSpecs: model.weightsManifest.flatMap((group) => group.weights),
    weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
  };
}

function enlarge(tf, model, range, bytes, height, width) {
  const output = tf.tidy(() => {
    const low = tf.tensor4d(Float32Array.from(bytes), [1, height, width, 3]);
    const high = model.predict(range === 255 ? low : low.mul(range / 255));
    return high.mul(255 / range).add(0.5).clipByValue(0, 255);
  });
  const pixels = Uint8Array.from(output.dataSync());
  output.dispose();
  return pixels;
}

const tf = require("@tensorflow/tfjs");
const started = await backend(tf);
const definition = require(`@upscalerjs/${name}/${scale}x`);
definition.setup?.(tf);
const model = await tf.loadLayersModel({
  load: async () => artifacts(join(folder, "node_modules", "@upscalerjs", name, "models", `x${scale}`, "model.json")),
});
enlarge(tf, model, definition.inputRange[1], new Uint8Array(32 * 32 * 3), 32, 32); // compiles what it needs
say({ ...started, tfjs: tf.version.tfjs, node: process.versions.node, model: definition._internals.version });

for await (const line of createInterface({ input: process.stdin })) {
  const { input, height, width, output } = JSON.parse(line);
  try {
    const bytes = readFileSync(input);
    const began = performance.now();
    const pixels = enlarge(tf, model, definition.inputRange[1], bytes, height, width);
    const seconds = (performance.now() - began) / 1000;
    writeFileSync(output, pixels);
    say({ seconds });
  } catch (error) {
    say({ error: String(error.message ?? error) });
  }
}
