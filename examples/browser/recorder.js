// Hands the microphone's samples, channels mixed to their mean, to the page.
class Recorder extends AudioWorkletProcessor {
  process([channels]) {
    if (channels.length) {
      const mixed = new Float32Array(channels[0].length);
      for (const channel of channels) for (let i = 0; i < mixed.length; i++) mixed[i] += channel[i] / channels.length;
      this.port.postMessage(mixed, [mixed.buffer]);
    }
    return true;
  }
}
registerProcessor("recorder", Recorder);
