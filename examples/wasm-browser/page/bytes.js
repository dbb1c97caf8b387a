// bytes: text, hexadecimal digits and the pieces of byte arrays.
const encoder = new TextEncoder()
const lenient = new TextDecoder()

export const utf8 = text => encoder.encode(text)
export const text = bytes => lenient.decode(bytes)
export const isBroken = bytes => text(bytes).includes('\ufffd') // no text, or a part of one
export const hex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')

// unhex reads digits, in pairs, with or without spaces.
export function unhex (digits) {
  const bare = digits.replace(/\s/g, '')
  const bad = /[^0-9a-f]/i.exec(bare)
  if (bad) throw new Error(`“${bad[0]}” is not a hexadecimal digit.`)
  if (bare.length % 2) throw new Error('Two digits make a byte: there is one too few.')
  return Uint8Array.from(bare.match(/../g) ?? [], pair => parseInt(pair, 16))
}

export function concat (...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
