// Reads the chart of a run as a person would: node chart.mjs FILE. The run
// violates a property. It fails at the first thing that is not as it should be.
import assert from 'node:assert/strict'
import { pathToFileURL } from 'node:url'
import { launch } from './browser.mjs'

const url = pathToFileURL(process.argv[2]).href
const troubles = []
const browser = await launch()

for (const colorScheme of ['light', 'dark']) {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1400, height: 900 } })
  page.on('pageerror', err => troubles.push(`uncaught: ${err}`))
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) troubles.push(`console: ${message.text()}`)
  })
  page.on('request', request => {
    if (request.url().split('#')[0] !== url && !/^(data|blob):/.test(request.url())) troubles.push(`request: ${request.url()}`)
  })
  await page.goto(url)

  // What was violated, the lanes, and the steps up to the violation.
  await page.locator('#violation').filter({ hasText: 'close' }).waitFor()
  for (const lane of ['this', 'peer']) await page.getByText(lane, { exact: true }).first().waitFor()
  await page.locator('#chart svg, svg#chart').first().waitFor()

  // A step that is selected tells all about itself.
  await page.locator('#step-0').click({ force: true })
  const first = await page.locator('#details').innerText()
  await page.keyboard.press('ArrowDown')
  assert.notEqual(await page.locator('#details').innerText(), first, 'the next step shows the same details')

  // Zoom, the other axis, and the filter.
  for (const id of ['axis-time', 'zoom-in', 'zoom-out', 'zoom-fit', 'axis-steps', 'zoom-rows']) await page.locator(`#${id}`).click()
  const all = await page.locator('#count').innerText()
  await page.locator('#filter').fill('no such text')
  assert.notEqual(await page.locator('#count').innerText(), all, 'the filter leaves all steps')
  await page.locator('#filter').fill('')
  assert.equal(await page.locator('#count').innerText(), all)
  await page.close()
}

await browser.close()
assert.deepEqual(troubles, [])
