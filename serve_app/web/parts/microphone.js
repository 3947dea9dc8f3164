// Runs in the audio thread: passes what the microphone hears on, a tenth of a second at a time.

class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.kept = new Float32Array(4800);
    this.size = 0;
  }

  /** @param {Float32Array[][]} inputs */
  process([[heard]]) {
    for (const value of heard ?? []) {
      this.kept[this.size++] = value;
      if (this.size === this.kept.length) {
        this.port.postMessage(this.kept);
        this.kept = new Float32Array(4800);
        this.size = 0;
      }
    }
    return true;
  }
}

registerProcessor("tap", Tap);
