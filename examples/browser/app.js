// Loads the exported front end, and draws what it makes of a file or of the microphone.
const ort = globalThis.ort;
const $ = (id) => document.getElementById(id);

// For tests and the curious: the last features, with their shape.
const state = (globalThis.kapre = { ready: false, features: null, dims: null, frames: 0 });

function say(words) {
  $("message").textContent = words;
  $("message").hidden = !words;
}

// Viridis at seven places; between them, straight lines.
const COLOURS = [[68, 1, 84], [68, 57, 131], [49, 104, 142], [33, 145, 140], [53, 183, 121], [143, 215, 68], [253, 231, 37]];

function colour(part) {
  const place = Math.min(Math.max(part, 0), 1) * (COLOURS.length - 1);
  const low = Math.min(Math.floor(place), COLOURS.length - 2);
  return COLOURS[low].map((value, i) => value + (place - low) * (COLOURS[low + 1][i] - value));
}

// Returns the columns of features `(1, frames, bands)` or `(1, bands, frames)`; patches follow one another.
function columns(features, dims, layout) {
  const bands = layout === "band_first" ? dims[dims.length - 2] : dims[dims.length - 1];
  const frames = bands ? features.length / bands : 0;
  const at = layout === "band_first" ? (frame, band) => features[band * frames + frame] : (frame, band) => features[frame * bands + band];
  return { bands, frames, at };
}

function draw({ bands, frames, at }, range) {
  const canvas = $("picture");
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!frames) return;
  const [low, high] = range;
  const image = new ImageData(frames, bands);
  for (let frame = 0; frame < frames; frame++) {
    for (let band = 0; band < bands; band++) {
      const [red, green, blue] = colour((at(frame, band) - low) / (high - low || 1));
      image.data.set([red, green, blue, 255], 4 * ((bands - 1 - band) * frames + frame));
    }
  }
  const small = new OffscreenCanvas(frames, bands);
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
}

function rangeOf(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

// The rate in a RIFF/WAVE header, or null: of other files, only the browser knows.
function rateOfWav(buffer) {
  const view = new DataView(buffer);
  const word = (at) => String.fromCharCode(...new Uint8Array(buffer, at, 4));
  if (buffer.byteLength < 44 || word(0) !== "RIFF" || word(8) !== "WAVE") return null;
  for (let at = 12; at + 28 <= buffer.byteLength; at += 8 + view.getUint32(at + 4, true) + (view.getUint32(at + 4, true) % 2)) {
    if (word(at) === "fmt ") return view.getUint32(at + 12, true);
  }
  return null;
}

async function decode(file, rate) {
  const buffer = await file.arrayBuffer();
  const own = rateOfWav(buffer);
  let audio;
  try {
    audio = await new OfflineAudioContext(1, 1, rate).decodeAudioData(buffer);
  } catch {
    throw new Error(`${file.name}: this browser cannot read it as audio. Try a WAV, FLAC, Ogg, MP3 or M4A file.`);
  }
  const samples = new Float32Array(audio.length);
  for (let c = 0; c < audio.numberOfChannels; c++) {
    const channel = audio.getChannelData(c);
    for (let i = 0; i < samples.length; i++) samples[i] += channel[i] / audio.numberOfChannels;
  }
  const how =
    own === rate
      ? `at ${rate} Hz, as it is`
      : own
        ? `resampled from ${own} to ${rate} Hz by the browser, whose features differ a little from Python's`
        : `at ${rate} Hz; another rate was resampled by the browser, whose features differ a little from Python's`;
  return { samples, how, channels: audio.numberOfChannels };
}

const about = await (await fetch("model/front_end.json")).json().catch(() => null);
if (!about || !ort) {
  $("about").textContent = "";
  say(
    about
      ? "onnxruntime-web is missing: run `npm install` in examples/browser."
      : "There is no front end: run `python examples/browser/make_model.py`, and serve this folder with `python serve.py`.",
  );
  throw new Error("not set up");
}

ort.env.wasm.wasmPaths = new URL("node_modules/onnxruntime-web/dist/", location.href).href;
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

let session;
try {
  session = await ort.InferenceSession.create("model/front_end.onnx", { executionProviders: ["wasm"] });
} catch (error) {
  say(`The front end cannot be loaded: ${error.message}. Make it again with make_model.py.`);
  throw error;
}

async function whole(file) {
  say("");
  const { samples, how, channels } = await decode(file, about.sample_rate);
  const input = new ort.Tensor("float32", samples, [1, samples.length]);
  await session.run({ samples: input }); // the first call of a size also makes room
  const begin = performance.now();
  const { features } = await session.run({ samples: input });
  const took = performance.now() - begin;
  Object.assign(state, { features: features.data, dims: features.dims });
  const found = columns(features.data, features.dims, about.layout);
  state.frames = found.frames;
  if (!found.frames) throw new Error(`${file.name}: ${samples.length} samples are too short for a frame. Use a longer file.`);
  draw(found, rangeOf(features.data));
  const seconds = samples.length / about.sample_rate;
  const mixed = channels > 1 ? `, ${channels} channels mixed to one` : "";
  $("numbers").textContent =
    `${file.name}: ${seconds.toFixed(2)} s ${how}${mixed}. ${found.frames} frames of ${found.bands} values, ` +
    `${(took / seconds).toFixed(2)} ms for each second of audio.`;
}

let stop = null;

async function listen() {
  const step = await ort.InferenceSession.create("model/step.onnx", { executionProviders: ["wasm"] });
  const plain = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const media = await navigator.mediaDevices.getUserMedia({ audio: plain });
  const context = new AudioContext({ sampleRate: about.sample_rate });
  const end = () => {
    media.getTracks().forEach((track) => track.stop());
    context.close();
  };
  let recorder;
  try {
    await context.audioWorklet.addModule("recorder.js");
    recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
    context.createMediaStreamSource(media).connect(recorder);
  } catch (error) {
    end();
    throw error;
  }
  const size = about.step.chunk_samples;
  const kept = []; // columns, the newest last
  const most = Math.round(5 / about.hop_seconds);
  let waiting = new Float32Array(0);
  let toDrop = about.step.warmup;
  let busy = false;
  let spent = 0;
  let heard = 0;
  let memory = {};
  for (const [name, dims] of Object.entries(about.step.state)) {
    const count = dims.reduce((product, dim) => product * dim, 1);
    memory[name] = name.endsWith("seen")
      ? new ort.Tensor("int32", new Int32Array(count), dims)
      : new ort.Tensor("float32", new Float32Array(count), dims);
  }
  let range = [Infinity, -Infinity];
  recorder.port.onmessage = async ({ data }) => {
    const joined = new Float32Array(waiting.length + data.length);
    joined.set(waiting);
    joined.set(data, waiting.length);
    waiting = joined;
    if (busy) return;
    busy = true;
    try {
      while (waiting.length >= size) {
        const chunk = waiting.slice(0, size);
        waiting = waiting.slice(size);
        const begin = performance.now();
        const { features, ...next } = await step.run({ samples: new ort.Tensor("float32", chunk, [1, size]), ...memory });
        spent += performance.now() - begin;
        heard += size / about.sample_rate;
        memory = Object.fromEntries(Object.entries(next).map(([name, value]) => [name.replace("next_", "state_"), value]));
        const found = columns(features.data, features.dims, about.layout);
        for (let frame = 0; frame < found.frames; frame++) {
          if (toDrop > 0) toDrop--;
          else kept.push(Float32Array.from({ length: found.bands }, (_, band) => found.at(frame, band)));
        }
        kept.splice(0, Math.max(0, kept.length - most));
        const [low, high] = rangeOf(features.data);
        range = [Math.min(range[0], low), Math.max(range[1], high)];
        state.frames = kept.length;
        draw({ bands: found.bands, frames: kept.length, at: (frame, band) => kept[frame][band] }, range);
        $("numbers").textContent = `Microphone: ${heard.toFixed(1)} s, ${(spent / heard).toFixed(2)} ms for each second of audio.`;
      }
    } catch (error) {
      say(`The microphone's features stopped: ${error.message}`);
      silence();
    } finally {
      busy = false;
    }
  };
  return end;
}

function silence() {
  stop?.();
  stop = null;
  $("microphone").textContent = "Listen to the microphone";
}

const guarded = (work) => work().catch((error) => say(error.message));
const take = (files) => files.length && guarded(() => whole(files[0]));
$("file").addEventListener("change", () => take($("file").files));
$("drop").addEventListener("click", (event) => event.target !== $("file") && $("file").click());
$("drop").addEventListener("keydown", (event) => (event.key === "Enter" || event.key === " ") && $("file").click());
for (const kind of ["dragover", "dragleave", "drop"]) {
  $("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files);
  });
}
$("microphone").addEventListener("click", () =>
  guarded(async () => {
    say("");
    if (stop) return silence();
    $("microphone").disabled = true; // until it listens: a second click would start a second recorder
    try {
      stop = await listen();
      $("microphone").textContent = "Stop";
    } finally {
      $("microphone").disabled = false;
    }
  }),
);
$("microphone").disabled = !about.step;
if (!about.step) $("microphone").title = "This front end needs the whole clip, so it does not stream";
$("about").textContent = `${about.preset}, exported by Kapre to ONNX, at ${about.sample_rate} Hz.`;
state.ready = true;
