/** Numbers from -1 to 1 as text: 16 bits each, as base64. */

const SCALE = 32_767;

/** Writes the numbers. */
export function encodePulls(pulls: Float32Array): string {
  const bytes = new DataView(new ArrayBuffer(pulls.length * 2));
  for (const [i, pull] of pulls.entries()) bytes.setInt16(i * 2, Math.round(pull * SCALE), true);
  let binary = "";
  // In pieces, as a call takes only so many arguments.
  for (let at = 0; at < bytes.byteLength; at += 8_192) {
    binary += String.fromCharCode(...new Uint8Array(bytes.buffer, at, Math.min(8_192, bytes.byteLength - at)));
  }
  return btoa(binary);
}

/** Reads them back. Throws a `TypeError` for text that is no such list. */
export function decodePulls(text: string): Float32Array {
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw new TypeError("Cannot load a classifier: its numbers are not base64", { cause });
  }
  const bytes = new DataView(new ArrayBuffer(binary.length));
  for (let i = 0; i < binary.length; i++) bytes.setUint8(i, binary.charCodeAt(i));
  return Float32Array.from({ length: binary.length >> 1 }, (_, i) => bytes.getInt16(i * 2, true) / SCALE);
}
