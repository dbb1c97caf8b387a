// Uses the page of websockets serve as a person would: node page.mjs [FLAGS] URL
// CARRIER, where the last is what the page must tell that carries its WebSocket, and
// FLAGS are Chromium's. It fails at the first thing that does not come up as it should.
import assert from 'node:assert/strict'
import { flagsFirst, launch } from './browser.mjs'

const [flags, url, carrier] = flagsFirst()
const troubles = []

async function visit (context) {
  const page = await context.newPage()
  page.on('pageerror', err => troubles.push(`uncaught: ${err}`))
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) troubles.push(`console: ${message.text()}`)
  })
  page.on('dialog', dialog => {
    troubles.push(`dialog: ${dialog.message()}`)
    dialog.dismiss()
  })
  page.on('request', request => {
    if (!/^(data:|blob:)/.test(request.url()) && new URL(request.url()).host !== new URL(url).host) {
      troubles.push(`request to elsewhere: ${request.url()}`)
    }
  })
  await page.goto(url)
  await page.locator('#inspector[data-state=live]').waitFor()
  return page
}

async function connect (page, endpoint) {
  await page.locator(`#endpoint-${endpoint}`).check()
  for (let visits = 1; ; visits++) {
    await page.locator('#connect').click()
    await page.locator('#state[data-state=open]').waitFor()
    const over = await page.locator('#carrier').filter({ hasText: 'HTTP/' }).innerText()
    // On a busy machine a TCP connection may be ready before QUIC has been asked.
    if (carrier !== 'HTTP/3' || over === carrier || visits === 3) {
      assert.equal(over, carrier)
      return
    }
    await page.locator('#disconnect').click()
    await page.locator('#state[data-state=closed]').waitFor()
  }
}

async function say (page, text) {
  await page.locator('#message').fill(text)
  await page.locator('#message').press('Enter')
}

// seen waits for a line of a list.
const seen = (page, list, kind, direction, text) => page
  .locator(`#${list} li[data-kind=${kind}][data-direction=${direction}]`)
  .filter({ hasText: text }).first().waitFor()

const browser = await launch(flags)
const context = await browser.newContext({ ignoreHTTPSErrors: true })
const page = await visit(context)

// The echo: a text, one that looks like markup, and bytes; each as message and
// as frames of both directions.
await connect(page, 'echo')
for (const text of ['hello, wörld', '<img src=x onerror=alert(1)>']) {
  await say(page, text)
  await seen(page, 'messages', 'text', 'sent', text)
  await seen(page, 'messages', 'text', 'received', text)
  await seen(page, 'frames', 'text', 'in', text)
  await seen(page, 'frames', 'text', 'out', text)
}
await page.locator('#kind-hex').check()
await say(page, 'de ad be ef')
await seen(page, 'messages', 'binary', 'received', 'de ad be ef')
await seen(page, 'frames', 'binary', 'out', 'de ad be ef')
await say(page, 'not hex')
await page.locator('#send-error').filter({ hasText: 'hexadecimal' }).waitFor()
await page.locator('#kind-file').check()
await page.locator('#file').setInputFiles({ name: 'big', mimeType: 'application/octet-stream', buffer: Buffer.alloc(1 << 20, 'x') })
await page.locator('#send').click()
await page.locator('#received-count').filter({ hasText: '4' }).waitFor()
await page.locator('#measure').click()
await page.locator('#received-count').filter({ hasText: '24' }).waitFor()

// The close: its code and reason show on both sides.
await page.locator('#close-code').fill('4001')
await page.locator('#close-reason').fill('so long')
await page.locator('#disconnect').click()
await page.locator('#state[data-state=closed]').filter({ hasText: '4001' }).waitFor()
await seen(page, 'frames', 'close', 'in', '4001 "so long"')
await seen(page, 'frames', 'close', 'out', '4001')

// The chat: two pages, and each watches the frames of the other.
const other = await visit(context)
await connect(page, 'chat')
await connect(other, 'chat')
await page.locator('#kind-text').check()
await page.locator('#name').fill('ann')
await other.locator('#name').fill('bob')
await say(page, 'hello, bob')
await other.locator('#chat li').filter({ hasText: 'ann' }).filter({ hasText: 'hello, bob' }).waitFor()
await say(other, 'hello, ann')
await page.locator('#chat li').filter({ hasText: 'bob' }).filter({ hasText: 'hello, ann' }).waitFor()
await seen(page, 'frames', 'text', 'in', 'bob: hello, ann')

assert.deepEqual(troubles, [])
await browser.close()
