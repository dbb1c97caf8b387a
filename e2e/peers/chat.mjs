// Uses the page of examples/chat: node chat.mjs URL.
import assert from 'node:assert/strict'
import { visit, finish, tell, hear } from './visit.mjs'

const url = process.argv[2]
const lost = /WebSocket connection|ERR_CONNECTION/ // the server is stopped in between

async function join (room, name) {
  const page = await visit(url, lost)
  await page.fill('#name', name)
  await page.fill('#room', room)
  await page.click('#door button')
  await page.locator('#state[data-state=open]').waitFor()
  return page
}

async function say (page, text) {
  await page.fill('#text', text)
  await page.press('#text', 'Enter')
}

const heard = (page, name, text) => page.locator('#log li', { hasText: name }).filter({ hasText: text }).last().waitFor()

const ann = await join('tea', 'Ann')
await ann.locator('#names li', { hasText: 'Ann (you)' }).waitFor()
const bob = await join('tea', 'Bob')
await ann.locator('#names li', { hasText: 'Bob' }).waitFor()
await say(ann, 'hello, Bob')
await heard(bob, 'Ann', 'hello, Bob')
const markup = '<img src=x onerror=alert(1)> & <b>bold</b>'
await say(bob, markup)
await heard(ann, 'Bob', markup)
assert.equal(await ann.locator('#log img, #log b:not(.who b)').count(), 0)

// Who comes later is told; another room is another room.
const cy = await join('tea', 'Bob')
await heard(cy, 'Ann', 'hello, Bob')
await cy.locator('#names li', { hasText: 'Bob (2) (you)' }).waitFor()
await cy.click('#leave')
await ann.locator('#log .note', { hasText: 'Bob (2) left' }).waitFor()
const dan = await join('coffee', 'Dan')
assert.equal(await dan.locator('#log li').count(), 0)
await dan.close()

// The server goes away and comes back: the pages notice and return.
tell('talked')
await ann.locator('#state[data-state=waiting]').waitFor()
assert.ok(await ann.locator('#send').isDisabled())
await bob.locator('#state[data-state=waiting]').waitFor()
await ann.click('#retry') // too early
tell('waiting')
await hear()
await ann.locator('#state[data-state=open]').waitFor()
await bob.locator('#state[data-state=open]').waitFor()
await ann.locator('#names li', { hasText: 'Bob' }).waitFor()
await say(bob, 'there we are again')
await heard(ann, 'Bob', 'there we are again')

await finish()
