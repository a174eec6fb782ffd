/** Remainders of each byte (polynomial 0xEDB88320, as in zlib). */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++)
    remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  return remainder;
});

/** CRC-32 of `bytes`, going on from that of what stands before them. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let remainder = ~before;
  for (let index = 0; index < bytes.length; index++) {
    remainder = table[(remainder ^ bytes[index]) & 0xff] ^ (remainder >>> 8);
  }
  return ~remainder >>> 0;
}
