// What the scripts that use pages as a person would have in common: a page that
// may do nothing wrong and load nothing from elsewhere.
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { launch } from './browser.mjs'

const browser = await launch()
const context = await browser.newContext()
const troubles = []

// visit opens url. What the browser itself reports of failed requests counts as
// a trouble too, unless it matches expected.
export async function visit (url, expected = /^$/) {
  const page = await context.newPage()
  page.on('pageerror', err => troubles.push(`uncaught: ${err}`))
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type()) && !expected.test(message.text())) {
      troubles.push(`console: ${message.text()}`)
    }
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
  return page
}

export async function finish () {
  assert.deepEqual(troubles, [])
  await browser.close()
  process.exit()
}

// tell writes a line for the test, and hear waits for one of it.
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
export const tell = line => console.log(line)
export const hear = () => lines.next()
