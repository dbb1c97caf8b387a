// time: nanoseconds as BigInt, and how they are written.
export const seconds = n => BigInt(Math.round(n * 1e9))
export const inSeconds = ns => Number(ns) / 1e9

// clock writes an instant to the millisecond, and exactly where that is not all.
export const clock = ns => `${fixed(ns)}\u00a0s`

// span writes a duration, without zeros that say nothing.
export const span = ns => `${fixed(ns).replace(/\.?0+$/, '')}\u00a0s`

function fixed (ns) {
  const size = ns < 0n ? -ns : ns
  const digits = String(size % 1000000000n).padStart(9, '0').replace(/(000){1,2}$/, '')
  return `${ns < 0n ? '−' : ''}${size / 1000000000n}.${digits}`
}
