// What the audio thread has (parts/microphone.js), which TypeScript's DOM does not tell.
declare class AudioWorkletProcessor { readonly port: MessagePort; }
declare function registerProcessor(name: string, kind: unknown): void;
