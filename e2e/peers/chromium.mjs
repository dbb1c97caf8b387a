// A page in headless Chromium: node chromium.mjs [FLAGS] client URL. The page is the
// one that the server has at /, so that its origin is the server's own; or the
// one at ORIGIN: node chromium.mjs [FLAGS] client URL ORIGIN. FLAGS are Chromium's.
import { flagsFirst, launch } from './browser.mjs'
import { emit, obey } from './lines.mjs'

const [flags, , url, origin = new URL('/', url.replace(/^ws/, 'http')).href] = flagsFirst()
const browser = await launch(flags)
const page = await browser.newPage({ ignoreHTTPSErrors: true })
await page.goto(origin)
await page.exposeFunction('emit', emit)
await page.evaluate(url => {
  const base64 = data => {
    let binary = ''
    for (const byte of data) binary += String.fromCharCode(byte)
    return btoa(binary)
  }
  const bytes = data => Uint8Array.from(atob(data), c => c.charCodeAt(0))
  const utf8 = new TextDecoder()
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => emit('open')
  socket.onclose = ({ code, reason }) => emit('close', { code, reason })
  socket.onmessage = ({ data }) => typeof data === 'string'
    ? emit('text', { data: base64(new TextEncoder().encode(data)) })
    : emit('binary', { data: base64(new Uint8Array(data)) })
  window.peer = {
    text: data => socket.send(utf8.decode(bytes(data))),
    binary: data => socket.send(bytes(data)),
    close: (_, code, reason) => socket.close(code, reason)
  }
}, url)

const act = action => (data, code, reason) => page.evaluate(
  ([action, ...rest]) => window.peer[action](...rest),
  [action, data.toString('base64'), code, reason]
)
obey({ text: act('text'), binary: act('binary'), close: act('close') })
