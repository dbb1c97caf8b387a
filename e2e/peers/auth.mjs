// Uses the page of examples/auth, whose sessions last a few seconds: node auth.mjs URL.
import { visit, finish, tell } from './visit.mjs'

const page = await visit(process.argv[2], /403 \(Forbidden\)/)

async function login (password) {
  await page.fill('#user', 'alice')
  await page.fill('#password', password)
  await page.click('#login button')
}

const heard = (text, n = 0) => page.locator('#messages li', { hasText: text }).nth(n).waitFor()

await login('looking-glass')
await page.locator('#state[data-state=refused]').waitFor()
tell('refused')
await login('wonderland')
await heard('hello, alice')
await page.fill('#message', '<b>who am I?</b>')
await page.press('#message', 'Enter')
await heard('alice: <b>who am I?</b>')

// Once more, with a ticket in place of the cookie.
await page.check('input[value=ticket]')
await heard('hello, alice', 1)
await page.click('#logout')
await page.locator('#state[data-state=out]', { hasText: 'logged out' }).waitFor()
tell('logged out')

// And again, until the session is over by itself.
await login('wonderland')
await heard('hello, alice')
await page.locator('#state[data-state=out]', { hasText: 'the session has expired' }).waitFor()

await finish()
