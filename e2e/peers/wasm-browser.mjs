// Uses the page of examples/wasm-browser: node wasm-browser.mjs URL. Its clock
// stands still unless it is told to go on, so every instant is exact.
import assert from 'node:assert/strict'
import { visit, finish } from './visit.mjs'

const page = await visit(process.argv[2])

const now = async () => Number(await page.getAttribute('#now', 'data-ns')) / 1e9
const drawn = () => page.evaluate(() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))))
const part = (end, name) => page.locator(`#${end} [data-part=${name}]`)
const did = (end, text) => part(end, 'log').locator('li', { hasText: text })
const packets = (to, text) => page.locator(`#passed [data-to=${to}]`, { hasText: text })
const phase = (end, name) => page.locator(`#${end}[data-phase=${name}]`).waitFor()

// press presses a button that moves the clock and returns where it is then.
async function press (id) {
  await page.click(`#${id}`)
  await drawn()
  return now()
}

async function drag (seconds) {
  await page.locator('#slider').fill(String(seconds))
  await drawn()
  assert.equal(await now(), seconds)
}

async function choose (story) {
  await page.click(`[data-story=${story}]`)
  await page.locator(`[data-story=${story}][aria-pressed=true]`).waitFor()
  await drawn()
}

async function send (end, text, button = 'send') {
  await part(end, 'payload').fill(text)
  await part(end, button).click()
  await drawn()
}

async function hold (state) {
  for (const to of ['server', 'client']) await page.selectOption(`#state-to-${to}`, state)
}

const deadlineOf = async end => [await part(end, 'timer').innerText(), Number(await part(end, 'deadline').getAttribute('data-ns')) / 1e9]
const counts = async (...locators) => Promise.all(locators.map(locator => locator.count()))

// The page comes up with a handshake that is over, and something on the wire.
await phase('client', 'open')
await phase('server', 'open')
assert.deepEqual(await counts(did('server', 'request GET /chat'), did('client', 'the handshake is done'), page.locator('#to-server .packet', { hasText: 'hello' })), [1, 1, 1])

// A story plays by itself, to its end.
await page.selectOption('#speed', '16')
await choose('crossing')
await phase('client', 'closed')
await phase('server', 'closed')
await page.locator('#play', { hasText: 'Play' }).waitFor()

// From here on nothing moves unless it is told to.
await page.emulateMedia({ reducedMotion: 'reduce' })

// A message travels for a second, and comes back.
await choose('free')
assert.equal(await now(), 2)
await send('client', 'grüße <b>')
assert.equal(await press('step'), 3)
assert.deepEqual(await counts(did('server', 'message “grüße <b>”'), did('client', 'message')), [1, 0])
assert.equal(await press('step'), 4)
assert.equal(await did('client', 'message “grüße <b>”').count(), 1)

// Binary, with a digit too few, and complete.
await part('client', 'kind').selectOption('hex')
await send('client', 'de a')
await page.locator('#client .error', { hasText: 'one too few' }).waitFor()
await send('client', 'de ad')
await press('step')
assert.equal(await did('server', 'message de ad').count(), 1)
await part('client', 'kind').selectOption('text')

// A message in fragments, with a ping between.
await choose('free')
await send('client', 'one ', 'fragment')
await send('client', 'ok?', 'ping')
await send('client', 'two')
await press('step')
await press('step')
assert.deepEqual(await counts(did('server', '“one ”, begins'), did('server', 'ping “ok?”'), did('server', '“two”, ends')), [1, 1, 1])

// At the ping interval the server pings, and not before; its peer answers.
await choose('free')
assert.deepEqual(await deadlineOf('server'), ['ping', 16])
await drag(15.9)
assert.equal(await packets('client', 'ping').count(), 0)
assert.equal(await press('deadline'), 16)
assert.equal(await packets('client', 'ping').count(), 1)
assert.equal(await press('step'), 17)
assert.equal(await press('step'), 18)
assert.equal(await did('server', 'pong').count(), 1)

// Time goes back: the ping has not been, and comes again.
await drag(40)
const before = await page.locator('#passed').innerText()
await drag(2.5)
assert.deepEqual(await counts(packets('client', 'ping'), did('server', 'pong')), [0, 0])
await drag(40)
assert.equal(await page.locator('#passed').innerText(), before)

// The link breaks: 58 s after the last byte, and not before, each end gives up.
await choose('free')
await hold('held')
await drag(58.9)
await phase('server', 'open')
assert.deepEqual(await deadlineOf('server'), ['connection', 59]) // the request came at 1 s
assert.equal(await press('deadline'), 59)
await phase('server', 'failed')
assert.equal(await did('server', 'the peer was silent for too long (1001)').count(), 1)
assert.equal(await packets('client', 'close 1001').count(), 1)
await phase('client', 'open')
assert.deepEqual(await deadlineOf('client'), ['connection', 60]) // the response came at 2 s
assert.equal(await press('deadline'), 60)
await phase('client', 'failed')
assert.equal(await packets('server', 'close 1001').count(), 1)
assert.equal(await page.locator('#passed', { hasText: 'stuck' }).count(), 1)
assert.equal(await press('deadline'), 64) // the close timeout
assert.equal(await press('deadline'), 65)
assert.equal(await part('client', 'transport').locator('.on').innerText(), 'close')
assert.ok(await page.locator('#deadline').isDisabled())

// What is not past the middle when the wire is held comes no further, and goes on
// from there; what is past it arrives.
await choose('free')
await send('client', 'early')
await drag(2.4)
await send('client', 'late')
await drag(2.6)
await hold('held')
await drag(9)
assert.deepEqual(await counts(did('server', 'early'), did('server', 'message “late”'), page.locator('#to-server .stuck')), [2, 0, 1])
await hold('flows')
assert.equal(await press('step'), 9.5)
assert.equal(await did('server', 'message “late”').count(), 1)

// A reset ends both at once.
await page.click('#reset')
await phase('client', 'failed')
await phase('server', 'failed')
assert.equal(await did('client', 'without a close frame (1006)').count(), 1)

// A closing handshake ends both, the server first.
await choose('free')
await part('client', 'reason').fill('bye')
await part('client', 'close').click()
await phase('client', 'closing')
assert.equal(await press('step'), 3)
assert.equal(await did('server', 'close 1000 “bye”').count(), 1)
assert.equal(await part('server', 'transport').locator('.on').innerText(), 'half-close')
assert.equal(await press('step'), 4) // the close frame and the end of output
await phase('client', 'closed')
assert.equal(await did('client', 'close 1000').count(), 2) // put out, and received
assert.equal(await press('step'), 5)
await phase('server', 'closed')
assert.ok(await page.locator('#step').isDisabled())

// What the module refuses is told, and changes nothing.
await send('client', 'too late')
assert.equal(await did('client', 'refused').count(), 1)

// A broken rule is answered with the code that the RFC has for it.
for (const [forgery, to, code] of [['utf8', 'server', 1007], ['mask', 'server', 1002], ['mask', 'client', 1002], ['reserved', 'client', 1002], ['large', 'server', 1009]]) {
  await choose('free')
  await page.selectOption('#forgery', forgery)
  await page.click(`#forge-to-${to}`)
  assert.equal(await press('step'), 3)
  await phase(to, 'failed')
  assert.equal(await packets(to === 'server' ? 'client' : 'server', `close ${code}`).count(), 1, `${forgery} to the ${to}`)
}
await choose('free')
await page.selectOption('#forgery', 'hex')
await page.fill('#forged-hex', '81 82 00 00 00 00 68 69')
await page.click('#forge-to-server')
await press('step')
assert.equal(await did('server', 'message “hi”').count(), 1)

// Byte by byte: a frame of a client with one byte of payload has seven.
await choose('free')
await page.check('#byte-by-byte')
await send('client', 'x')
await press('step')
await page.locator('#to-server .packet', { hasText: '1/7' }).waitFor()
assert.equal(await part('server', 'state').locator('tr', { hasText: 'hdr' }).locator('td').first().innerText(), '81')
for (let i = 0; i < 5; i++) await press('step')
assert.equal(await did('server', 'message').count(), 0)
assert.equal(await press('step'), 3.6)
assert.equal(await did('server', 'message “x”').count(), 1)

// A packet tells what it is.
await packets('server', 'text “x”').getByRole('button').click()
await page.locator('#packet', { hasText: 'FIN, masked' }).waitFor()

// Settings take effect from the beginning; wrong ones do not.
await page.fill('[name="server.connectionTimeout"]', '5')
await page.click('#restart')
await page.locator('#settings-error', { hasText: 'ConnectionTimeout' }).waitFor()
await page.fill('[name="server.pingInterval"]', '3')
await page.click('#restart')
await drawn()
assert.equal(await now(), 0)
assert.equal(await page.locator('#settings-error').innerText(), '')
await drag(2)
assert.deepEqual(await deadlineOf('server'), ['ping', 4])

// A server may refuse.
await page.selectOption('[name=answer]', 'reject')
await page.click('#restart')
await drag(2)
await phase('client', 'failed')
assert.equal(await packets('client', 'HTTP 403').count(), 1)

// Every story ends as it says.
for (const [story, client, server] of [
  ['hello', 'closed', 'closed'], ['silent', 'failed', 'failed'], ['pong', 'closed', 'failed'], ['crossing', 'closed', 'closed'],
  ['unanswered', 'closed', 'failed'], ['bytes', 'open', 'open'], ['violation', 'closed', 'failed'], ['slow', 'failed', 'failed'],
  ['sleep', 'open', 'open'], ['full', 'failed', 'failed']
]) {
  await choose(story)
  await page.locator('#slider').fill(await page.getAttribute('#slider', 'max'))
  await phase('client', client)
  await phase('server', server)
}

await finish()
