// Starts headless Chromium with its background traffic off. It ends with us.
import { chromium } from 'playwright-core'

export function launch (flags = ['--disable-quic']) {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync', ...flags
    ]
  })
}

// flagsFirst splits what is given to a script into the flags of Chromium and what
// follows them.
export function flagsFirst () {
  const given = process.argv.slice(2)
  const n = given.findIndex(arg => !arg.startsWith('--'))
  return [n > 0 ? given.slice(0, n) : undefined, ...given.slice(Math.max(n, 0))]
}
