/** Takes shaders for WebGPU out of the page: its map is drawn by WebGL, and they are 20 kB compressed. */

import type { Plugin } from "vite";

const WEBGPU_SHADERS = /node_modules\/@(?:deck|luma)\.gl\/.*(?:\.wgsl|-wgsl|-wgsl-integer)\.js$/;
/** Whole constants only: one with another template inside is left as it is. */
const CONSTANT = /^(export const \w+ = )\/\* wgsl \*\/ `[^`]*`;$/gm;

export function withoutWebGpuShaders(): Plugin {
  return {
    name: "without-webgpu-shaders",
    apply: "build",
    transform(code, id) {
      return WEBGPU_SHADERS.test(id) ? { code: code.replace(CONSTANT, '$1"";'), map: null } : null;
    },
  };
}
